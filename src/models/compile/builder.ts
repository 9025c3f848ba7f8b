import {
  type Attributes,
  type ElementType,
  encodeModel,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValueInfo,
} from './onnx.ts';
import type { Tensor } from './tensor.ts';

/** Collects an ONNX graph node by node. Names of values are unique; constants appear in order of first use. */
export class GraphBuilder {
  readonly #nodes: OnnxNode[] = [];
  readonly #initializers = new Map<string, OnnxTensor>();
  readonly #inputs: OnnxValueInfo[] = [];
  readonly #outputs: OnnxValueInfo[] = [];
  readonly #names = new Set<string>();

  /** Claims `name`, or `name_1`, `name_2`, … when it is taken. */
  uniqueName(name: string): string {
    let unique = name;
    for (let i = 1; this.#names.has(unique); i++) unique = `${name}_${i}`;
    this.#names.add(unique);
    return unique;
  }

  /** Declares an input of the model; returns its name. */
  input(name: string, type: ElementType, dims: OnnxValueInfo['dims']): string {
    const unique = this.uniqueName(name);
    this.#inputs.push({ name: unique, type, dims });
    return unique;
  }

  /** Declares a value as an output of the model. */
  output(name: string, type: ElementType, dims: OnnxValueInfo['dims']): void {
    this.#outputs.push({ name, type, dims });
  }

  /** Adds a constant and returns its name. */
  constant(name: string, tensor: Tensor): string {
    return this.#addConstant({ name: this.uniqueName(name), dims: tensor.shape, data: tensor.data });
  }

  /** The float32 scalar `value`, shared by all its users. */
  scalar(value: number): string {
    const name = `scalar/${value}`;
    return this.#shared({ name, dims: [], data: Float32Array.of(value) });
  }

  /** The float32 vector `values`, shared by all its users. */
  float32s(values: readonly number[]): string {
    const name = `float32/${values.join(',')}`;
    return this.#shared({ name, dims: [values.length], data: Float32Array.from(values) });
  }

  /** The int64 vector `values` (shapes, axes, indices), shared by all its users. */
  int64s(values: readonly number[]): string {
    const name = `int64/${values.join(',')}`;
    return this.#shared({ name, dims: [values.length], data: BigInt64Array.from(values, BigInt) });
  }

  /** Adds a node with one output; returns the output's name, which is `name` or one derived from it. */
  node(opType: string, name: string, inputs: readonly string[], attributes: Attributes = {}): string {
    const output = this.uniqueName(name);
    this.nodeWithOutputs(opType, inputs, [output], attributes);
    return output;
  }

  /** Adds a node whose outputs have names from `uniqueName`. */
  nodeWithOutputs(
    opType: string,
    inputs: readonly string[],
    outputs: readonly [string, ...string[]],
    attributes: Attributes = {},
  ): void {
    this.#nodes.push({ opType, name: outputs[0], inputs, outputs, attributes });
  }

  encode(graphName: string): Uint8Array {
    return encodeModel({
      name: graphName,
      nodes: this.#nodes,
      initializers: [...this.#initializers.values()],
      inputs: this.#inputs,
      outputs: this.#outputs,
    });
  }

  #shared(tensor: OnnxTensor): string {
    if (this.#initializers.has(tensor.name)) return tensor.name;
    this.#names.add(tensor.name);
    return this.#addConstant(tensor);
  }

  #addConstant(tensor: OnnxTensor): string {
    this.#initializers.set(tensor.name, tensor);
    return tensor.name;
  }
}
