/**
 * ONNX model encoder: the few messages of `onnx.proto3` that a float inference graph needs.
 *
 * Field and enum numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3 (fixed by the format, never reused).
 */
import { ProtoMessage } from './protobuf.ts';

/** ONNX 1.8: the first release with operator set 13. */
const IR_VERSION = 7;
const OPSET_VERSION = 13;

/** TensorProto.DataType. */
export const DATA_TYPE = { float32: 1, int32: 6, int64: 7, bool: 9 } as const;
export type ElementType = keyof typeof DATA_TYPE;

/** Number that ONNX's `Cast` expects in its attribute `to`. */
export function elementTypeNumber(type: ElementType): number {
  return DATA_TYPE[type];
}

/** AttributeProto.AttributeType. */
export const ATTRIBUTE_TYPE = { float: 1, int: 2, string: 3, ints: 7 } as const;

export type Attribute =
  | { readonly float: number }
  | { readonly int: number }
  | { readonly string: string }
  | { readonly ints: readonly number[] };

export type Attributes = Readonly<Record<string, Attribute>>;

export interface OnnxNode {
  readonly opType: string;
  readonly name: string;
  /** Names of values; an empty name is an omitted optional input. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
}

/** A constant. `data` is row-major; little-endian in memory on every platform that onnxruntime-node is built for. */
export interface OnnxTensor {
  readonly name: string;
  readonly dims: readonly number[];
  readonly data: Float32Array | Int32Array | BigInt64Array | Uint8Array;
}

export interface OnnxValueInfo {
  readonly name: string;
  readonly type: ElementType;
  /** A string is the name of a dimension whose length is known only at run time. */
  readonly dims: readonly (number | string)[];
}

export interface OnnxGraph {
  readonly name: string;
  /** In an order in which every input is produced before it is used. */
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValueInfo[];
  readonly outputs: readonly OnnxValueInfo[];
  /** Version of the operator set that the nodes are of; 13 when absent. */
  readonly opset?: number;
}

/** Encodes a ModelProto. The same graph gives the same bytes: no date, no host, no version of anything but the format. */
export function encodeModel(graph: OnnxGraph): Uint8Array {
  const opset = new ProtoMessage().string(1, '').varint(2, graph.opset ?? OPSET_VERSION);
  return new ProtoMessage()
    .varint(1, IR_VERSION)
    .string(2, 'anonymize')
    .message(7, encodeGraph(graph))
    .message(8, opset)
    .toBytes();
}

function encodeGraph(graph: OnnxGraph): ProtoMessage {
  const message = new ProtoMessage();
  for (const node of graph.nodes) message.message(1, encodeNode(node));
  message.string(2, graph.name);
  for (const tensor of graph.initializers) message.message(5, encodeTensor(tensor));
  for (const input of graph.inputs) message.message(11, encodeValueInfo(input));
  for (const output of graph.outputs) message.message(12, encodeValueInfo(output));
  return message;
}

function encodeNode(node: OnnxNode): ProtoMessage {
  const message = new ProtoMessage();
  for (const input of node.inputs) message.string(1, input);
  for (const output of node.outputs) message.string(2, output);
  message.string(3, node.name).string(4, node.opType);
  for (const [name, value] of Object.entries(node.attributes)) message.message(5, encodeAttribute(name, value));
  return message;
}

function encodeAttribute(name: string, value: Attribute): ProtoMessage {
  const message = new ProtoMessage().string(1, name);
  if ('float' in value) return message.float(2, value.float).varint(20, ATTRIBUTE_TYPE.float);
  if ('int' in value) return message.varint(3, value.int).varint(20, ATTRIBUTE_TYPE.int);
  if ('string' in value) return message.string(4, value.string).varint(20, ATTRIBUTE_TYPE.string);
  return message.packedVarints(8, value.ints).varint(20, ATTRIBUTE_TYPE.ints);
}

function encodeTensor(tensor: OnnxTensor): ProtoMessage {
  const { data } = tensor;
  return new ProtoMessage()
    .packedVarints(1, tensor.dims)
    .varint(2, DATA_TYPE[elementTypeOf(data)])
    .string(8, tensor.name)
    .bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

function elementTypeOf(data: OnnxTensor['data']): ElementType {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Int32Array) return 'int32';
  return data instanceof BigInt64Array ? 'int64' : 'bool';
}

function encodeValueInfo(value: OnnxValueInfo): ProtoMessage {
  const shape = new ProtoMessage();
  for (const dim of value.dims) {
    const length = new ProtoMessage();
    shape.message(1, typeof dim === 'string' ? length.string(2, dim) : length.varint(1, dim));
  }
  const tensorType = new ProtoMessage().varint(1, DATA_TYPE[value.type]).message(2, shape);
  return new ProtoMessage().string(1, value.name).message(2, new ProtoMessage().message(1, tensorType));
}
