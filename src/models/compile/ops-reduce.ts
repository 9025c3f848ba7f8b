import { boolAttr } from './attributes.ts';
import { elementTypeNumber } from './onnx.ts';
import {
  defer,
  type Emitter,
  failure,
  inputOf,
  integersOf,
  type Operation,
  splitScale,
  toAxis,
  type Value,
} from './operation.ts';
import { addActivation } from './ops-elementwise.ts';
import { biasOf, fusedOps } from './ops-window.ts';
import { sizeFailure } from './size.ts';
import { shapeText } from './tensor.ts';

/** TensorFlow operators that sum over an axis or search along it. */
export const REDUCE_OPS: Readonly<Record<string, Emitter>> = {
  Mean: mean,
  ArgMax: argMax,
  TopKV2: topK,
  Softmax: softmax,
  _FusedMatMul: fusedMatMul,
};

function mean(operation: Operation): Value[] {
  const { node, lowering } = operation;
  const x = inputOf(operation, 0);
  const axes = integersOf(operation, 1).map((axis) => toAxis(node, axis, x.shape.length));
  const keepDims = boolAttr(node, 'keep_dims');
  const kept = x.shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
  const shape = keepDims ? kept : kept.filter((_, axis) => !axes.includes(axis));
  if (x.layout === 'nchw' && axes.toSorted().join() === '1,2') {
    const { of, scale } = splitScale(x);
    const result = { shape: kept, type: x.type, layout: 'nchw' } as const;
    const pooled = lowering.emit('GlobalAveragePool', node.name, [lowering.nchw(of)], result);
    const scaled = defer(node.name, pooled, scale, 0);
    return [keepDims ? scaled : lowering.reshape(`${node.name}/squeezed`, scaled, shape)];
  }
  if (x.cells !== undefined) throw sizeFailure(node, `a mean over axes ${axes.join()}`);
  const attributes = { axes: { ints: axes }, keepdims: { int: Number(keepDims) } };
  const result = { shape, type: x.type, layout: 'plain' } as const;
  return [lowering.emit('ReduceMean', node.name, [lowering.plain(x)], result, attributes)];
}

function argMax(operation: Operation): Value[] {
  const { node, lowering } = operation;
  const x = inputOf(operation, 0);
  const axis = toAxis(node, integersOf(operation, 1)[0], x.shape.length);
  const attributes = { axis: { int: axis }, keepdims: { int: 0 } };
  const index = lowering.builder.node('ArgMax', `${node.name}/int64`, [lowering.plain(x)], attributes);
  return [asInt32(operation, node.name, index, x.shape.toSpliced(axis, 1))];
}

/** The k largest values of the last axis and their indices, largest first, the lower index first among equals. */
function topK(operation: Operation): Value[] {
  const { node, lowering } = operation;
  const x = inputOf(operation, 0);
  const k = integersOf(operation, 1)[0] ?? 0;
  const shape = x.shape.with(-1, k);
  const outputs = [lowering.builder.uniqueName(node.name), lowering.builder.uniqueName(`${node.name}/int64`)] as const;
  const inputs = [lowering.plain(x), lowering.builder.int64s([k])];
  lowering.builder.nodeWithOutputs('TopK', inputs, outputs);
  const values: Value = { name: outputs[0], shape, type: x.type, layout: 'plain' };
  return [values, asInt32(operation, `${node.name}:1`, outputs[1], shape)];
}

/** ONNX counts in int64, TensorFlow's models here in int32. */
function asInt32({ lowering }: Operation, name: string, int64: string, shape: readonly number[]): Value {
  const to = { to: { int: elementTypeNumber('int32') } };
  return lowering.emit('Cast', name, [int64], { shape, type: 'int32', layout: 'plain' }, to);
}

function softmax(operation: Operation): Value[] {
  const { node, lowering } = operation;
  const x = inputOf(operation, 0);
  return [lowering.emit('Softmax', node.name, [lowering.plain(x)], { ...x, layout: 'plain' }, { axis: { int: -1 } })];
}

/** Matrix product with an optional fused bias and activation. */
function fusedMatMul(operation: Operation): Value[] {
  const { node, lowering } = operation;
  const [a, b] = [inputOf(operation, 0), inputOf(operation, 1)];
  const [transA, transB] = [boolAttr(node, 'transpose_a'), boolAttr(node, 'transpose_b')];
  const [rows, inner] = transA ? a.shape.toReversed() : a.shape;
  const [depth, columns] = transB ? b.shape.toReversed() : b.shape;
  if (a.shape.length !== 2 || b.shape.length !== 2 || inner !== depth) {
    throw failure(node, `expected two matrices that fit but received ${shapeText(a.shape)} and ${shapeText(b.shape)}`);
  }
  const [hasBias, activation] = fusedOps(node);
  const inputs = [lowering.plain(a), lowering.plain(b)];
  if (hasBias) inputs.push(lowering.builder.constant(`${node.name}/bias`, biasOf(operation, columns as number)));
  const attributes = { transA: { int: Number(transA) }, transB: { int: Number(transB) } };
  const result = { shape: [rows as number, columns as number], type: a.type, layout: 'plain' } as const;
  const product = lowering.emit('Gemm', node.name, inputs, result, attributes);
  return [activation === undefined ? product : addActivation(operation, activation, product, operation.inputs[3])];
}
