import type { OnnxNode } from '../compile/onnx.ts';
import type { FloatTensor, Rewriting } from './rewriting.ts';

/** A two-dimensional convolution with constant weights. */
export interface Convolution {
  readonly node: OnnxNode;
  readonly isTransposed: boolean;
  readonly weights: FloatTensor;
  /** One for each channel of the output; zeros when the node has none. */
  readonly bias: Float32Array;
  readonly groups: number;
  readonly inChannels: number;
  readonly outChannels: number;
  /** Elements of the kernel for one pair of channels. */
  readonly taps: number;
}

/** Reads a `Conv` or `ConvTranspose`; undefined when it is none, or of other than constant weights and four dimensions. */
export function convolutionOf(rewriting: Rewriting, node: OnnxNode | undefined): Convolution | undefined {
  if (node === undefined || (node.opType !== 'Conv' && node.opType !== 'ConvTranspose')) return undefined;
  const [, weightsName, biasName] = node.inputs;
  const weights = rewriting.floats(weightsName);
  if (weights?.dims.length !== 4) return undefined;
  const [a = 0, b = 0, rows = 0, columns = 0] = weights.dims;
  const groups = intOf(node, 'group', 1);
  const isTransposed = node.opType === 'ConvTranspose';
  const [inChannels, outChannels] = isTransposed ? [a, b * groups] : [b * groups, a];
  if (groups < 1 || a % groups !== 0 || weights.data.length === 0) return undefined;
  const hasBias = biasName !== undefined && biasName !== '';
  const bias = hasBias ? rewriting.floats(biasName)?.data : new Float32Array(outChannels);
  if (bias?.length !== outChannels) return undefined;
  return { node, isTransposed, weights, bias, groups, inChannels, outChannels, taps: rows * columns };
}

/** Channels of output and input that the element `index` of the weights connects. */
export function channelsOf(convolution: Convolution, index: number): readonly [output: number, input: number] {
  const { isTransposed, weights, groups, inChannels, outChannels, taps } = convolution;
  const perGroup = weights.dims[1] as number;
  const first = Math.floor(index / (perGroup * taps));
  const second = Math.floor(index / taps) % perGroup;
  if (isTransposed) return [Math.floor(first / (inChannels / groups)) * perGroup + second, first];
  return [first, Math.floor(first / (outChannels / groups)) * perGroup + second];
}

/** Whether no output of the convolution sees anything beyond the edges of the image. */
export function isUnpadded({ attributes }: OnnxNode): boolean {
  const { pads, auto_pad: auto } = attributes;
  const isValid = auto === undefined || ('string' in auto && (auto.string === 'NOTSET' || auto.string === 'VALID'));
  return isValid && (pads === undefined || ('ints' in pads && pads.ints.every((pad) => pad === 0)));
}

/** 3×3, one pixel of padding, and nothing special. */
export function isPlainThreeByThree({ node, isTransposed, weights, groups }: Convolution): boolean {
  const { pads, strides, dilations, auto_pad: auto } = node.attributes;
  const all = (attribute: typeof pads, value: number) =>
    attribute !== undefined && 'ints' in attribute && attribute.ints.every((int) => int === value);
  const isPlain = !isTransposed && groups === 1 && auto === undefined && all(pads, 1);
  const isDense = [strides, dilations].every((steps) => steps === undefined || all(steps, 1));
  return isPlain && isDense && weights.dims[2] === 3 && weights.dims[3] === 3;
}

/** 1×1, each output pixel from the one input pixel in its place. */
export function isPointwise({ node, isTransposed, taps, groups }: Convolution): boolean {
  const { strides } = node.attributes;
  const isDense = strides === undefined || ('ints' in strides && strides.ints.every((stride) => stride === 1));
  return !isTransposed && groups === 1 && taps === 1 && isDense && isUnpadded(node);
}

export function intOf({ attributes }: OnnxNode, name: string, fallback: number): number {
  const attribute = attributes[name];
  return attribute !== undefined && 'int' in attribute ? attribute.int : fallback;
}

export interface Replacement {
  readonly weights: Float32Array;
  readonly bias: Float32Array;
  readonly input?: string;
  readonly output?: string;
}

/** The same convolution with other weights, all finite, or undefined. */
export function withWeights(
  rewriting: Rewriting,
  { node, weights }: Convolution,
  by: Replacement,
): OnnxNode | undefined {
  if (![by.weights, by.bias].every((values) => values.every(Number.isFinite))) return undefined;
  const [input = ''] = node.inputs;
  const output = by.output ?? (node.outputs[0] as string);
  const inputs = [
    by.input ?? input,
    rewriting.constant(`${output}/weights`, weights.dims, by.weights),
    rewriting.constant(`${output}/bias`, [by.bias.length], by.bias),
  ];
  return { ...node, inputs, outputs: [output] };
}
