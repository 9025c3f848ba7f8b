import ort from 'onnxruntime-node';
import { expect, test } from 'vitest';
import { encodeModel, type OnnxGraph } from '../../../src/models/compile/onnx.ts';
import { ProtoMessage } from '../../../src/models/compile/protobuf.ts';

const matMul: OnnxGraph = {
  name: 'g',
  nodes: [{ opType: 'MatMul', name: 'n', inputs: ['x', 'w'], outputs: ['y'], attributes: {} }],
  initializers: [{ name: 'w', dims: [2, 2], data: Float32Array.of(1, 2, 3, 4) }],
  inputs: [{ name: 'x', type: 'float32', dims: [1, 2] }],
  outputs: [{ name: 'y', type: 'float32', dims: [1, 2] }],
};

/** The same model, encoded by hand: key (field << 3 | wire type), length, payload; indented by nesting. */
const MATMUL_FIXTURE = `
08 07                                 ModelProto.ir_version = 7
12 09 61 6e 6f 6e 79 6d 69 7a 65      producer_name = "anonymize"
3a 60                                 graph, 96 bytes
0a 14                                   GraphProto.node, 20 bytes
0a 01 78 0a 01 77                         input = "x", "w"
12 01 79                                  output = "y"
1a 01 6e                                  name = "n"
22 06 4d 61 74 4d 75 6c                   op_type = "MatMul"
12 01 67                                name = "g"
2a 1b                                   initializer, 27 bytes
0a 02 02 02                               dims = 2, 2 (packed)
10 01                                     data_type = FLOAT
42 01 77                                  name = "w"
4a 10 00 00 80 3f 00 00 00 40             raw_data = 1, 2 …
00 00 40 40 00 00 80 40                   … 3, 4
5a 13                                   input, 19 bytes
0a 01 78                                  name = "x"
12 0e 0a 0c                               type, tensor_type
08 01                                       elem_type = FLOAT
12 08 0a 02 08 01 0a 02 08 02               shape: dim_value = 1, dim_value = 2
62 13                                   output, 19 bytes
0a 01 79                                  name = "y"
12 0e 0a 0c 08 01                         type, tensor_type, elem_type
12 08 0a 02 08 01 0a 02 08 02               shape
42 04 0a 00 10 0d                     opset_import: domain = "", version = 13
`;

/** The bytes at the start of each line. */
function hexOf(listing: string): string {
  return listing.replace(/ {3}.*$/gm, '').replace(/\s/g, '');
}

test('a MatMul model is encoded byte by byte and runs', async () => {
  const bytes = encodeModel(matMul);
  expect(Buffer.from(bytes).toString('hex')).toBe(hexOf(MATMUL_FIXTURE));
  const session = await ort.InferenceSession.create(bytes);
  const { y } = await session.run({ x: new ort.Tensor('float32', [10, 1], [1, 2]) });
  expect(Array.from(y?.data as Float32Array)).toEqual([13, 24]);
  await session.release();
});

test.each([
  ['varint of one byte', new ProtoMessage().varint(1, 127), '087f'],
  ['varint of two bytes', new ProtoMessage().varint(1, 300), '08ac02'],
  ['negative int64', new ProtoMessage().varint(3, -1), '18ffffffffffffffffff01'],
  ['int64 beyond 2^53', new ProtoMessage().varint(1, 2n ** 62n), '08808080808080808040'],
  ['field number above 15', new ProtoMessage().varint(20, 2), 'a00102'],
  ['float', new ProtoMessage().float(2, 0.5), '150000003f'],
  ['UTF-8 text', new ProtoMessage().string(4, 'é'), '2202c3a9'],
  ['packed list', new ProtoMessage().packedVarints(8, [3, -1, 270]), '420d03ffffffffffffffffff018e02'],
  ['nested message', new ProtoMessage().message(7, new ProtoMessage().varint(1, 1)), '3a020801'],
  ['empty message', new ProtoMessage().message(7, new ProtoMessage()), '3a00'],
])('%s', (_, message, hex) => {
  expect(Buffer.from(message.toBytes()).toString('hex')).toBe(hex);
});

test('a dimension by name takes any length', async () => {
  const bytes = encodeModel({
    ...matMul,
    inputs: [{ name: 'x', type: 'float32', dims: ['rows', 2] }],
    outputs: [{ name: 'y', type: 'float32', dims: ['rows', 2] }],
  });
  const session = await ort.InferenceSession.create(bytes);
  expect(session.inputMetadata[0]).toMatchObject({ shape: ['rows', 2] });
  const { y } = await session.run({ x: new ort.Tensor('float32', [10, 1, 0, 1], [2, 2]) });
  expect(y?.dims).toEqual([2, 2]);
  expect(Array.from(y?.data as Float32Array)).toEqual([13, 24, 3, 4]);
  await session.release();
});

test('every kind of attribute reaches the runtime', async () => {
  const bytes = encodeModel({
    name: 'attributes',
    nodes: [
      {
        opType: 'MaxPool',
        name: 'pool',
        inputs: ['x'],
        outputs: ['pooled'],
        attributes: { kernel_shape: { ints: [2, 2] }, strides: { ints: [2, 2] }, auto_pad: { string: 'SAME_UPPER' } },
      },
      {
        opType: 'LeakyRelu',
        name: 'leaky',
        inputs: ['pooled'],
        outputs: ['leaky'],
        attributes: { alpha: { float: 0.5 } },
      },
      { opType: 'Concat', name: 'y', inputs: ['leaky', 'leaky'], outputs: ['y'], attributes: { axis: { int: -1 } } },
    ],
    initializers: [],
    inputs: [{ name: 'x', type: 'float32', dims: [1, 1, 3, 3] }],
    outputs: [{ name: 'y', type: 'float32', dims: [1, 1, 2, 4] }],
  });
  const session = await ort.InferenceSession.create(bytes);
  const x = new ort.Tensor('float32', [-1, -2, -3, -4, -5, -6, -7, -8, 9], [1, 1, 3, 3]);
  const { y } = await session.run({ x });
  expect(Array.from(y?.data as Float32Array)).toEqual([-0.5, -1.5, -0.5, -1.5, -3.5, 9, -3.5, 9]);
  await session.release();
});
