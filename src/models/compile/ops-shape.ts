import { intAttr, intsAttr } from './attributes.ts';
import { NHWC_TO_NCHW } from './lowering.ts';
import { elementTypeNumber } from './onnx.ts';
import {
  commonLayout,
  type Emitter,
  failure,
  inputOf,
  integersOf,
  type Layout,
  type Operation,
  toAxis,
  type Value,
} from './operation.ts';
import { commonCells, sizeFailure } from './size.ts';
import { permute, shapeText, sizeOf } from './tensor.ts';

/** TensorFlow operators that move, pick or join elements. Where positions have a meaning, the layout is plain. */
export const SHAPE_OPS: Readonly<Record<string, Emitter>> = {
  Reshape: reshape,
  ExpandDims: expandDims,
  Squeeze: squeeze,
  ConcatV2: concat,
  Pack: pack,
  Unpack: unpack,
  Pad: pad,
  StridedSlice: stridedSlice,
  GatherV2: gather,
  GatherNd: gatherNd,
};

function reshape(operation: Operation): Value[] {
  const x = inputOf(operation, 0);
  const asked = integersOf(operation, 1);
  const known = sizeOf(asked.filter((dim) => dim !== -1));
  const shape = asked.map((dim) => (dim === -1 ? sizeOf(x.shape) / known : dim));
  return [operation.lowering.reshape(operation.node.name, x, shape)];
}

function expandDims(operation: Operation): Value[] {
  const x = inputOf(operation, 0);
  const axis = toAxis(operation.node, integersOf(operation, 1)[0], x.shape.length + 1);
  return [operation.lowering.reshape(operation.node.name, x, x.shape.toSpliced(axis, 0, 1))];
}

function squeeze(operation: Operation): Value[] {
  const { node, lowering } = operation;
  const x = inputOf(operation, 0);
  const listed = intsAttr(node, 'squeeze_dims', []).map((axis) => toAxis(node, axis, x.shape.length));
  const shape = x.shape.filter((dim, axis) => (listed.length > 0 ? !listed.includes(axis) : dim !== 1));
  return [lowering.reshape(node.name, x, shape)];
}

function concat(operation: Operation): Value[] {
  const { node, lowering } = operation;
  const parts = operation.inputs.slice(0, -1);
  const first = inputOf(operation, 0);
  const axis = toAxis(node, integersOf(operation, parts.length)[0], first.shape.length);
  const layout = commonLayout(parts);
  const length = parts.reduce((sum, part) => sum + (part.shape[axis] ?? 0), 0);
  const shape = first.shape.with(axis, length);
  const cells = commonCells(node, parts);
  if (cells !== undefined && axis !== first.shape.length - 1) throw sizeFailure(node, `parts along axis ${axis}`);
  const operands = parts.map((part) => lowering.in(layout, part));
  const attributes = { axis: { int: axisIn(layout, axis) } };
  return [lowering.emit('Concat', node.name, operands, { shape, type: first.type, layout, cells }, attributes)];
}

function pack(operation: Operation): Value[] {
  const { node, lowering, inputs } = operation;
  const first = inputOf(operation, 0);
  const axis = toAxis(node, intAttr(node, 'axis', 0), first.shape.length + 1);
  const rows = inputs.map((x) => lowering.reshape(`${node.name}/row`, x, x.shape.toSpliced(axis, 0, 1)).name);
  const result = { shape: first.shape.toSpliced(axis, 0, inputs.length), type: first.type, layout: 'plain' } as const;
  return [lowering.emit('Concat', node.name, rows, result, { axis: { int: axis } })];
}

function unpack(operation: Operation): Value[] {
  const { node, lowering } = operation;
  const x = inputOf(operation, 0);
  const axis = toAxis(node, intAttr(node, 'axis', 0), x.shape.length);
  const shape = x.shape.toSpliced(axis, 1);
  return Array.from({ length: x.shape[axis] as number }, (_, i) => {
    const row = slice(operation, `${node.name}/row`, x, [{ axis, start: i, end: i + 1, step: 1 }]);
    return lowering.reshape(i === 0 ? node.name : `${node.name}:${i}`, row, shape);
  });
}

function pad(operation: Operation): Value[] {
  const { node, lowering } = operation;
  const x = inputOf(operation, 0);
  const amounts = integersOf(operation, 1);
  const before = x.shape.map((_, axis) => amounts[axis * 2] ?? 0);
  const after = x.shape.map((_, axis) => amounts[axis * 2 + 1] ?? 0);
  const shape = x.shape.map((dim, axis) => dim + (before[axis] as number) + (after[axis] as number));
  const ordered =
    x.layout === 'nchw' ? [before, after].flatMap((side) => permute(side, NHWC_TO_NCHW)) : [...before, ...after];
  const inputs = [lowering.in(x.layout, x), lowering.builder.int64s(ordered)];
  return [lowering.emit('Pad', node.name, inputs, { shape, type: x.type, layout: x.layout })];
}

/** Python-style slice with constant bounds and positive steps. */
function stridedSlice(operation: Operation): Value[] {
  const { node, lowering } = operation;
  const x = inputOf(operation, 0);
  const [begin, end, steps] = [1, 2, 3].map((i) => integersOf(operation, i)) as [number[], number[], number[]];
  if (intAttr(node, 'ellipsis_mask', 0) !== 0 || intAttr(node, 'new_axis_mask', 0) !== 0) {
    throw failure(node, 'expected a slice without ellipsis and new axes');
  }
  const masked = (name: string, axis: number): boolean => ((intAttr(node, name, 0) >> axis) & 1) === 1;
  const ranges = begin.map((_, axis) => {
    const dim = x.shape[toAxis(node, axis, x.shape.length)] as number;
    const step = steps[axis] ?? 1;
    if (step < 1) throw failure(node, `expected positive steps but received ${step}`);
    const clip = (at: number): number => Math.min(dim, Math.max(0, at < 0 ? at + dim : at));
    const start = masked('begin_mask', axis) ? 0 : clip(begin[axis] as number);
    if (masked('shrink_axis_mask', axis)) return { axis, start, end: start + 1, step: 1 };
    return { axis, start, end: masked('end_mask', axis) ? dim : clip(end[axis] as number), step };
  });
  const sliced = slice(operation, node.name, x, ranges);
  const shape = sliced.shape.filter((_, axis) => !masked('shrink_axis_mask', axis));
  return [shape.length === sliced.shape.length ? sliced : lowering.reshape(`${node.name}/shrunk`, sliced, shape)];
}

interface SliceRange {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

function slice({ lowering }: Operation, name: string, x: Value, ranges: readonly SliceRange[]): Value {
  const shape = [...x.shape];
  for (const { axis, start, end, step } of ranges) shape[axis] = Math.max(0, Math.ceil((end - start) / step));
  const columns = [
    ranges.map((r) => r.start),
    ranges.map((r) => r.end),
    ranges.map((r) => r.axis),
    ranges.map((r) => r.step),
  ];
  const inputs = [lowering.plain(x), ...columns.map((values) => lowering.builder.int64s(values))];
  return lowering.emit('Slice', name, inputs, { shape, type: x.type, layout: 'plain' });
}

function gather(operation: Operation): Value[] {
  const { node, lowering } = operation;
  const [x, indices] = [inputOf(operation, 0), inputOf(operation, 1)];
  if (intAttr(node, 'batch_dims', 0) !== 0) throw failure(node, 'expected batch_dims 0');
  const axis = toAxis(node, integersOf(operation, 2)[0], x.shape.length);
  const result = { shape: x.shape.toSpliced(axis, 1, ...indices.shape), type: x.type, layout: 'plain' } as const;
  return [
    lowering.emit('Gather', node.name, [lowering.plain(x), lowering.plain(indices)], result, { axis: { int: axis } }),
  ];
}

function gatherNd(operation: Operation): Value[] {
  const { node, lowering } = operation;
  const [x, indices] = [inputOf(operation, 0), inputOf(operation, 1)];
  const depth = indices.shape.at(-1) ?? 0;
  if (depth < 1 || depth > x.shape.length) {
    throw failure(
      node,
      `expected up to ${x.shape.length} indices per element but received ${shapeText(indices.shape)}`,
    );
  }
  const to = { to: { int: elementTypeNumber('int64') } };
  const int64 = lowering.builder.node('Cast', `${node.name}/indices`, [lowering.plain(indices)], to);
  const result = {
    shape: [...indices.shape.slice(0, -1), ...x.shape.slice(depth)],
    type: x.type,
    layout: 'plain',
  } as const;
  return [lowering.emit('GatherND', node.name, [lowering.plain(x), int64], result)];
}

/** Where TensorFlow's axis lies in memory. */
function axisIn(layout: Layout, axis: number): number {
  return layout === 'nchw' ? NHWC_TO_NCHW.indexOf(axis) : axis;
}
