import { ModelError } from '../../errors.ts';
import type { GraphBuilder } from './builder.ts';
import type { Attributes } from './onnx.ts';
import { sizeOf, type Tensor, transpose } from './tensor.ts';

/** TensorFlow's padding: SAME gives `ceil(size / stride)` outputs, VALID only what lies inside the input. */
export type Padding = 'SAME' | 'VALID';

/** Where a convolution or pooling looks. Pairs are vertical, horizontal. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  /** Default: 1, 1. */
  readonly dilations?: readonly number[];
  readonly padding: Padding;
}

/** A convolution over NCHW activations; the kernel's size is that of the filter. */
export interface Convolution extends Omit<Window, 'kernel'> {
  readonly name: string;
  /** Name of the input value. */
  readonly input: string;
  /** Height and width of the input. */
  readonly size: readonly number[];
  /** [outputs, inputs / groups, height, width] */
  readonly filter: Tensor;
  /** [outputs] */
  readonly bias?: Tensor;
  /** Default: 1. */
  readonly groups?: number;
}

/** Adds a Conv node; returns the name of its output. */
export function addConvolution(builder: GraphBuilder, conv: Convolution): string {
  const inputs = [conv.input, builder.constant(`${conv.name}/filter`, conv.filter)];
  if (conv.bias !== undefined) inputs.push(builder.constant(`${conv.name}/bias`, conv.bias));
  return builder.node('Conv', conv.name, inputs, {
    ...windowAttributes({ ...conv, kernel: conv.filter.shape.slice(2) }, conv.size),
    group: { int: conv.groups ?? 1 },
  });
}

/** What Conv and MaxPool nodes have in common. Padding is explicit: onnxruntime's SAME_UPPER knows no dilation. */
export function windowAttributes(window: Window, size: readonly number[]): Attributes {
  const { kernel, strides, dilations = [1, 1] } = window;
  const axes = placements(window, size);
  return {
    kernel_shape: { ints: kernel },
    strides: { ints: strides },
    dilations: { ints: dilations },
    pads: { ints: [...axes.map((axis) => axis.before), ...axes.map((axis) => axis.after)] },
  };
}

/** Number of window positions along each axis of an input of `size`. */
export function outputSize(window: Window, size: readonly number[]): number[] {
  return placements(window, size).map((axis) => axis.count);
}

/** Per axis: padding on both sides and number of positions. An odd SAME padding has its extra row or column last. */
function placements({ kernel, strides, dilations = [], padding }: Window, size: readonly number[]) {
  return size.map((length, i) => {
    const stride = strides[i] ?? 1;
    const reach = ((kernel[i] ?? 1) - 1) * (dilations[i] ?? 1) + 1;
    if (padding === 'SAME') {
      const count = Math.ceil(length / stride);
      const total = Math.max(0, (count - 1) * stride + reach - length);
      return { count, before: Math.floor(total / 2), after: Math.ceil(total / 2) };
    }
    if (reach > length) throw new ModelError(`Expected an input of ${reach} pixels or more but received ${length}`);
    return { count: Math.floor((length - reach) / stride) + 1, before: 0, after: 0 };
  });
}

/** TensorFlow's Conv2D filter [height, width, inputs, outputs] → ONNX's [outputs, inputs, height, width]. */
export function convFilter(hwio: Tensor): Tensor {
  return transpose(hwio, [3, 2, 0, 1]);
}

/** TensorFlow's depthwise filter [height, width, channels, multiplier] → [channels × multiplier, 1, height, width]. */
export function depthwiseFilter(hwcm: Tensor): Tensor {
  const { shape, data } = transpose(hwcm, [2, 3, 0, 1]);
  const [channels = 0, multiplier = 0, height = 0, width = 0] = shape;
  return { shape: [channels * multiplier, 1, height, width], data };
}

/** Per-channel statistics of a batch normalisation, each [channels]. */
export interface BatchNorm {
  readonly gamma: Tensor;
  readonly beta: Tensor;
  readonly mean: Tensor;
  readonly variance: Tensor;
  readonly epsilon: number;
}

/** Folds a batch normalisation into the bias-free convolution before it. */
export function foldBatchNorm(filter: Tensor, norm: BatchNorm): { filter: Tensor; bias: Tensor } {
  const channels = filter.shape[0] ?? 0;
  const perChannel = sizeOf(filter.shape.slice(1));
  const weights = Float32Array.from(filter.data);
  const bias = new Float32Array(channels);
  for (let c = 0; c < channels; c++) {
    const gain = at(norm.gamma, c) / Math.sqrt(at(norm.variance, c) + norm.epsilon);
    bias[c] = at(norm.beta, c) - at(norm.mean, c) * gain;
    for (let i = c * perChannel; i < (c + 1) * perChannel; i++) weights[i] = at(filter, i) * gain;
  }
  return { filter: { shape: filter.shape, data: weights }, bias: { shape: [channels], data: bias } };
}

function at(tensor: Tensor, index: number): number {
  return tensor.data[index] as number;
}
