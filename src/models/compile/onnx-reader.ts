import { ModelError } from '../../errors.ts';
import {
  ATTRIBUTE_TYPE,
  type Attribute,
  DATA_TYPE,
  type ElementType,
  type OnnxGraph,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValueInfo,
} from './onnx.ts';
import { type ProtoField, protoFields } from './protobuf-reader.ts';

/** AttributeProto.AttributeType of a constant's value. */
const ATTRIBUTE_TENSOR = 4;
const DEFAULT_DOMAINS = ['', 'ai.onnx'];

/**
 * Decodes a ModelProto to what `encodeModel` can write: a float graph of the default operator set without subgraphs,
 * functions, sparse or external tensors. `Constant` nodes become initializers. Descriptions, producer, metadata and the
 * hints of shapes inside the graph are dropped; whatever else the writer does not know is refused, so that a decoded
 * and encoded model computes the same.
 *
 * @throws ModelError when the bytes are no such model, are cut short, or a value is used before it is made
 */
export function decodeModel(bytes: Uint8Array): OnnxGraph {
  const graphs: Uint8Array[] = [];
  const opsets: number[] = [];
  visit('model', bytes, [1, 2, 3, 4, 5, 6, 14], {
    7: (field) => graphs.push(field.bytes()),
    8: (field) => opsets.push(decodeOpset(field.bytes())),
  });
  const graph = only('graph', graphs);
  const opset = only('operator set', opsets);
  return checkOrder({ ...decodeGraph(graph), opset });
}

type Visitors = Readonly<Record<number, (field: ProtoField) => unknown>>;

/** Hands every field to its visitor. `ignored` have no influence on what a model computes; any other is refused. */
function visit(what: string, bytes: Uint8Array, ignored: readonly number[], visitors: Visitors): void {
  for (const field of protoFields(bytes)) {
    const visitor = visitors[field.number];
    if (visitor) visitor(field);
    else if (!ignored.includes(field.number)) {
      throw new ModelError(
        `Expected a plain ONNX ${what} but received its field ${field.number}, which is not known here`,
      );
    }
  }
}

function only<T>(what: string, items: readonly T[]): T {
  if (items.length !== 1) throw new ModelError(`Expected one ${what} of an ONNX model but received ${items.length}`);
  return items[0] as T;
}

function decodeOpset(bytes: Uint8Array): number {
  let version = 0;
  visit('operator set', bytes, [], {
    1: (field) => requireDefaultDomain(field.string()),
    2: (field) => {
      version = field.int();
    },
  });
  return version;
}

function requireDefaultDomain(domain: string): void {
  if (!DEFAULT_DOMAINS.includes(domain)) {
    throw new ModelError(`Expected operators of ONNX itself but received some of ${domain}`);
  }
}

function decodeGraph(bytes: Uint8Array): OnnxGraph {
  let name = '';
  const nodes: OnnxNode[] = [];
  const initializers: OnnxTensor[] = [];
  const inputs: OnnxValueInfo[] = [];
  const outputs: OnnxValueInfo[] = [];
  visit('graph', bytes, [10, 13, 16], {
    1: (field) => {
      const node = decodeNode(field.bytes());
      if ('constant' in node) initializers.push(node.constant);
      else nodes.push(node);
    },
    2: (field) => {
      name = field.string();
    },
    5: (field) => initializers.push(decodeTensor(field.bytes())),
    11: (field) => inputs.push(decodeValueInfo(field.bytes())),
    12: (field) => outputs.push(decodeValueInfo(field.bytes())),
  });
  return { name, nodes, initializers, inputs, outputs };
}

function decodeNode(bytes: Uint8Array): OnnxNode | { readonly constant: OnnxTensor } {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes: (readonly [string, Attribute | OnnxTensor])[] = [];
  let name = '';
  let opType = '';
  visit('node', bytes, [6, 9], {
    1: (field) => inputs.push(field.string()),
    2: (field) => outputs.push(field.string()),
    3: (field) => {
      name = field.string();
    },
    4: (field) => {
      opType = field.string();
    },
    5: (field) => attributes.push(decodeAttribute(field.bytes())),
    7: (field) => requireDefaultDomain(field.string()),
  });
  const [output] = outputs;
  if (opType === '' || output === undefined)
    throw new ModelError(`Expected an operator with an output for node ${name}`);
  if (opType === 'Constant') {
    const [[key, value] = ['', undefined], ...others] = attributes;
    if (key !== 'value' || value === undefined || !('data' in value) || others.length > 0) {
      throw new ModelError(`Expected a tensor for the constant ${output} but received ${key || 'nothing'}`);
    }
    return { constant: { ...value, name: output } };
  }
  const plain = attributes.map(([key, value]): [string, Attribute] => {
    if ('data' in value) throw new ModelError(`Expected no tensor for ${key} of ${opType} ${name} but received one`);
    return [key, value];
  });
  return { opType, name, inputs, outputs, attributes: Object.fromEntries(plain) };
}

function decodeAttribute(bytes: Uint8Array): readonly [string, Attribute | OnnxTensor] {
  let name = '';
  let type = 0;
  let float = 0;
  let int = 0;
  let string = '';
  let tensor: OnnxTensor | undefined;
  const ints: number[] = [];
  visit('attribute', bytes, [13], {
    1: (field) => {
      name = field.string();
    },
    2: (field) => {
      float = field.float();
    },
    3: (field) => {
      int = field.int();
    },
    4: (field) => {
      string = field.string();
    },
    5: (field) => {
      tensor = decodeTensor(field.bytes());
    },
    8: (field) => append(ints, field.ints()),
    20: (field) => {
      type = field.int();
    },
  });
  if (type === ATTRIBUTE_TYPE.float) return [name, { float }];
  if (type === ATTRIBUTE_TYPE.int) return [name, { int }];
  if (type === ATTRIBUTE_TYPE.string) return [name, { string }];
  if (type === ATTRIBUTE_TYPE.ints) return [name, { ints }];
  if (type === ATTRIBUTE_TENSOR && tensor) return [name, tensor];
  throw new ModelError(`Expected a number, text, numbers or a tensor for attribute ${name} but received type ${type}`);
}

function elementType(what: string, number: number): ElementType {
  const found = Object.entries(DATA_TYPE).find(([, known]) => known === number);
  if (found) return found[0] as ElementType;
  throw new ModelError(`Expected ${Object.keys(DATA_TYPE).join(', ')} for ${what} but received data type ${number}`);
}

function decodeTensor(bytes: Uint8Array): OnnxTensor {
  const dims: number[] = [];
  const floats: number[] = [];
  const int32s: number[] = [];
  const int64s: bigint[] = [];
  let type = 0;
  let name = '';
  let raw: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  visit('tensor', bytes, [12, 16], {
    1: (field) => append(dims, field.ints()),
    2: (field) => {
      type = field.int();
    },
    4: (field) => append(floats, field.floats()),
    5: (field) => append(int32s, field.ints()),
    7: (field) => append(int64s, field.int64s()),
    8: (field) => {
      name = field.string();
    },
    9: (field) => {
      // A copy has the alignment that a typed array needs.
      raw = new Uint8Array(field.bytes());
    },
  });
  const element = elementType(`tensor ${name}`, type);
  const data = elementsOf(name, element, raw, floats, int32s, int64s);
  const size = dims.reduce((product, dim) => product * dim, 1);
  if (dims.some((dim) => dim < 0) || size !== data.length) {
    throw new ModelError(`Expected [${dims.join(',')}] elements for tensor ${name} but received ${data.length}`);
  }
  return { name, dims, data };
}

/** Spreading a long array into `push` overflows the stack. */
function append<T>(target: T[], items: readonly T[]): void {
  for (const item of items) target.push(item);
}

function elementsOf(
  name: string,
  type: ElementType,
  raw: Uint8Array<ArrayBuffer>,
  floats: readonly number[],
  int32s: readonly number[],
  int64s: readonly bigint[],
): OnnxTensor['data'] {
  const size = { float32: 4, int32: 4, int64: 8, bool: 1 }[type];
  if (raw.length % size !== 0) {
    throw new ModelError(`Expected elements of ${size} bytes for tensor ${name} but received ${raw.length} bytes`);
  }
  const isRaw = raw.length > 0;
  if (type === 'float32') return isRaw ? new Float32Array(raw.buffer) : Float32Array.from(floats);
  if (type === 'int64') return isRaw ? new BigInt64Array(raw.buffer) : BigInt64Array.from(int64s);
  if (type === 'int32') return isRaw ? new Int32Array(raw.buffer) : Int32Array.from(int32s);
  return isRaw ? raw : Uint8Array.from(int32s);
}

function decodeValueInfo(bytes: Uint8Array): OnnxValueInfo {
  let name = '';
  let type = 0;
  let dims: (number | string)[] | undefined;
  visit('value', bytes, [3, 4], {
    1: (field) => {
      name = field.string();
    },
    2: (typeField) =>
      visit('type', typeField.bytes(), [6], {
        1: (tensorField) =>
          visit('tensor type', tensorField.bytes(), [], {
            1: (field) => {
              type = field.int();
            },
            2: (field) => {
              dims = decodeShape(field.bytes());
            },
          }),
      }),
  });
  if (dims === undefined) throw new ModelError(`Expected a shape for ${name} but received none`);
  return { name, type: elementType(name, type), dims };
}

function decodeShape(bytes: Uint8Array): (number | string)[] {
  const dims: (number | string)[] = [];
  visit('shape', bytes, [], {
    1: (dimField) => {
      let dim: number | string = '';
      visit('dimension', dimField.bytes(), [3], {
        1: (field) => {
          dim = field.int();
        },
        2: (field) => {
          dim = field.string();
        },
      });
      dims.push(dim);
    },
  });
  return dims;
}

/** @throws ModelError unless every value is made once, and before it is used */
function checkOrder(graph: OnnxGraph): OnnxGraph {
  const made = new Set<string>();
  const make = (name: string): void => {
    if (made.has(name)) throw new ModelError(`Expected every value to be made once but received two of ${name}`);
    made.add(name);
  };
  const use = (name: string, by: string): void => {
    if (!made.has(name)) throw new ModelError(`Expected ${name} to be made before it is used by ${by}`);
  };
  for (const { name } of [...graph.inputs, ...graph.initializers]) make(name);
  for (const { opType, name, inputs, outputs } of graph.nodes) {
    for (const input of inputs) if (input !== '') use(input, `${opType} ${name}`);
    for (const output of outputs) if (output !== '') make(output);
  }
  for (const { name } of graph.outputs) use(name, 'the caller');
  return graph;
}
