/** Hand-made graph models, as small as one operator. */
import type { ModelJson } from './reference.ts';

type Dtype = 'float32' | 'int32';

/** TensorFlow's AttrValue as tfjs writes it. */
export const attr = {
  text: (value: string) => ({ s: Buffer.from(value).toString('base64') }),
  texts: (...values: string[]) => ({ list: { s: values.map((value) => attr.text(value).s) } }),
  ints: (...values: number[]) => ({ list: { i: values.map(String) } }),
  int: (value: number) => ({ i: String(value) }),
  bool: (value: boolean) => ({ b: value }),
  type: (value: Dtype | 'bool') => ({ type: { float32: 'DT_FLOAT', int32: 'DT_INT32', bool: 'DT_BOOL' }[value] }),
};

export class TinyGraph {
  readonly #nodes: object[] = [];
  readonly #specs: { name: string; shape: number[]; dtype: Dtype }[] = [];
  readonly #chunks: Uint8Array[] = [];

  input(name: string, shape: readonly number[], dtype: Dtype = 'float32'): this {
    const dims = shape.map((size) => ({ size: String(size) }));
    return this.node(name, 'Placeholder', [], { shape: { shape: { dim: dims } }, dtype: attr.type(dtype) });
  }

  constant(name: string, shape: readonly number[], values: readonly number[], dtype: Dtype = 'float32'): this {
    const data = dtype === 'float32' ? Float32Array.from(values) : Int32Array.from(values);
    this.#specs.push({ name, shape: [...shape], dtype });
    this.#chunks.push(new Uint8Array(data.buffer));
    return this.node(name, 'Const', [], { dtype: attr.type(dtype) });
  }

  node(name: string, op: string, inputs: readonly string[], attributes: object = {}): this {
    this.#nodes.push({ name, op, input: inputs, attr: attributes });
    return this;
  }

  get json(): ModelJson {
    const modelTopology = { node: this.#nodes, versions: { producer: 1 } };
    return { modelTopology, weightsManifest: [{ weights: this.#specs }] };
  }

  get bin(): Uint8Array {
    return Buffer.concat(this.#chunks);
  }
}
