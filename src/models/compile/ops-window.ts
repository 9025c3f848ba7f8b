import { boolAttr, intsAttr, stringAttr, stringsAttr } from './attributes.ts';
import {
  addConvolution,
  convFilter,
  depthwiseFilter,
  outputSize,
  type Padding,
  type Window,
  windowAttributes,
} from './conv.ts';
import {
  constantOf,
  type Emitter,
  failure,
  inputOf,
  integersOf,
  type Operation,
  splitScale,
  type Value,
} from './operation.ts';
import { addActivation } from './ops-elementwise.ts';
import { scaledCells, stridedCells } from './size.ts';
import { multiply, shapeText, type Tensor } from './tensor.ts';
import type { GraphNode } from './topology.ts';

/** TensorFlow operators over image windows: their inputs and outputs are NCHW. */
export const WINDOW_OPS: Readonly<Record<string, Emitter>> = {
  Conv2D: (operation) => [convolution(operation, false)],
  _FusedConv2D: (operation) => [convolution(operation, false)],
  DepthwiseConv2dNative: (operation) => [convolution(operation, true)],
  FusedDepthwiseConv2dNative: (operation) => [convolution(operation, true)],
  MaxPool: maxPool,
  ResizeBilinear: resizeBilinear,
};

/** Convolution with an optional fused bias and activation. A factor of the input moves into the weights. */
function convolution(operation: Operation, depthwise: boolean): Value {
  const { node, lowering } = operation;
  const x = imageOf(operation);
  const stored = constantOf(operation, 1);
  if (stored.shape.length !== 4 || stored.shape[2] !== x.shape[3]) {
    throw failure(node, `expected a filter for ${x.shape[3]} channels but received ${shapeText(stored.shape)}`);
  }
  const { of, scale } = splitScale(x);
  const filter = multiply(depthwise ? depthwiseFilter(stored) : convFilter(stored), scale);
  const [hasBias, activation] = fusedOps(node);
  const window = {
    kernel: filter.shape.slice(2),
    strides: spatial(node, 'strides'),
    dilations: spatial(node, 'dilations'),
    padding: paddingOf(node),
  };
  const channels = filter.shape[0] as number;
  const name = addConvolution(lowering.builder, {
    ...window,
    name: node.name,
    input: lowering.nchw(of),
    size: x.shape.slice(1, 3),
    filter,
    ...(hasBias && { bias: biasOf(operation, channels) }),
    groups: depthwise ? (x.shape[3] as number) : 1,
  });
  const y: Value = { name, ...windowResult(node, x, window, channels), type: 'float32', layout: 'nchw' };
  if (activation === undefined) return y;
  return addActivation(operation, activation, y, operation.inputs[hasBias ? 3 : 2]);
}

/** What TensorFlow fused behind a convolution or matrix product: a bias, then an activation. */
export function fusedOps(node: GraphNode): [hasBias: boolean, activation: string | undefined] {
  const fused = stringsAttr(node, 'fused_ops');
  const hasBias = fused[0] === 'BiasAdd';
  const [activation, ...more] = hasBias ? fused.slice(1) : fused;
  if (more.length > 0) throw failure(node, `expected BiasAdd and one activation but received ${fused.join(', ')}`);
  return [hasBias, activation];
}

/** The fused bias, one number per output channel. */
export function biasOf(operation: Operation, channels: number): Tensor {
  const bias = constantOf(operation, 2);
  if (bias.shape.length === 1 && bias.shape[0] === channels) return bias;
  throw failure(operation.node, `expected a bias for ${channels} channels but received ${shapeText(bias.shape)}`);
}

function maxPool(operation: Operation): Value[] {
  const { node, lowering } = operation;
  const x = imageOf(operation);
  const window = { kernel: spatial(node, 'ksize'), strides: spatial(node, 'strides'), padding: paddingOf(node) };
  const result = { ...windowResult(node, x, window, x.shape[3] as number), type: x.type, layout: 'nchw' } as const;
  const attributes = windowAttributes(window, x.shape.slice(1, 3));
  return [lowering.emit('MaxPool', node.name, [lowering.nchw(x)], result, attributes)];
}

/** NHWC shape of what windows over `x` give. Where strides leave no rest, SAME padding is the same for every size. */
function windowResult(node: GraphNode, x: Value, window: Window, channels: number): Pick<Value, 'shape' | 'cells'> {
  const size = outputSize(window, x.shape.slice(1, 3));
  return { shape: [x.shape[0] as number, ...size, channels], cells: stridedCells(node, x, window.strides, size) };
}

function resizeBilinear(operation: Operation): Value[] {
  const { node, lowering } = operation;
  const x = imageOf(operation);
  const [height = 0, width = 0] = integersOf(operation, 1);
  if (height < 1 || width < 1) throw failure(node, `expected a height and width but received ${height}×${width}`);
  const [batch = 1, , , channels = 0] = x.shape;
  const shape = [batch, height, width, channels];
  const factors = [height / (x.shape[1] as number), width / (x.shape[2] as number)];
  const cells = scaledCells(node, x, factors);
  const attributes = {
    mode: { string: 'linear' },
    coordinate_transformation_mode: { string: coordinateMode(node) },
  };
  const result = { shape, type: x.type, layout: 'nchw', cells } as const;
  const target =
    cells === undefined
      ? ['', '', lowering.builder.int64s([batch, channels, height, width])]
      : ['', lowering.builder.float32s([1, 1, ...factors])];
  return [lowering.emit('Resize', node.name, [lowering.nchw(x), ...target], result, attributes)];
}

/** TensorFlow 1 samples at `i · scale`; later versions at pixel centres or with the corners aligned. */
function coordinateMode(node: GraphNode): string {
  if (boolAttr(node, 'align_corners')) return 'align_corners';
  return boolAttr(node, 'half_pixel_centers') ? 'half_pixel' : 'asymmetric';
}

function imageOf(operation: Operation): Value {
  const x = inputOf(operation, 0);
  if (x.shape.length !== 4) throw failure(operation.node, `expected rank 4 but received ${shapeText(x.shape)}`);
  return x;
}

/** The height and width entries of an NHWC list. */
function spatial(node: GraphNode, name: string): [number, number] {
  const format = 'data_format' in node.attr ? stringAttr(node, 'data_format') : 'NHWC';
  if (format !== 'NHWC') throw failure(node, `expected data_format NHWC but received ${format}`);
  const values = intsAttr(node, name, name === 'dilations' ? [1, 1, 1, 1] : undefined);
  const [batch, height, width, channels] = values;
  if (height === undefined || width === undefined || batch !== 1 || channels !== 1) {
    throw failure(node, `expected ${name} [1, height, width, 1] but received ${shapeText(values)}`);
  }
  return [height, width];
}

function paddingOf(node: GraphNode): Padding {
  const padding = stringAttr(node, 'padding');
  if (padding === 'SAME' || padding === 'VALID') return padding;
  throw failure(node, `expected padding SAME or VALID but received ${padding}`);
}
