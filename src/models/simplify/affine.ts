import type { OnnxNode } from '../compile/onnx.ts';
import { otherInput, type Rewriting } from './rewriting.ts';

/**
 * `factor * x + offset` for every channel of an NCHW value, in double precision. Both have one element, for all
 * channels, or one for each.
 */
export interface Affine {
  readonly factor: readonly number[];
  readonly offset: readonly number[];
}

/** Consecutive affine nodes, each the only user of the one before. */
export interface AffineChain extends Affine {
  readonly nodes: readonly [OnnxNode, ...OnnxNode[]];
  readonly output: string;
}

const DEFAULT_EPSILON = 1e-5;

/** The longest chain of affine nodes that starts with `first`, which is one that uses `value`. */
export function affineChain(rewriting: Rewriting, first: OnnxNode | undefined, value: string): AffineChain | undefined {
  let chain: AffineChain | undefined;
  let node = first;
  let input = value;
  while (node !== undefined) {
    const next = affineOf(rewriting, node, input);
    if (next === undefined) break;
    const output = node.outputs[0] as string;
    chain = chain
      ? { ...compose(chain, next), nodes: [...chain.nodes, node], output }
      : { ...next, nodes: [node], output };
    input = output;
    node = rewriting.onlyUser(output);
  }
  return chain;
}

/** What `node` does to `value`, when it is affine per channel with constants: Mul, Add or BatchNormalization. */
function affineOf(rewriting: Rewriting, node: OnnxNode, value: string): Affine | undefined {
  if (node.outputs.length !== 1) return undefined;
  if (node.opType === 'BatchNormalization') return batchNormalization(rewriting, node, value);
  if (node.opType !== 'Mul' && node.opType !== 'Add') return undefined;
  const constant = perChannel(rewriting, otherInput(node, value));
  if (constant === undefined) return undefined;
  return node.opType === 'Mul' ? { factor: constant, offset: [0] } : { factor: [1], offset: constant };
}

/** The values of a constant that broadcasts along all axes of an NCHW value but the channels. */
function perChannel(rewriting: Rewriting, name: string | undefined): number[] | undefined {
  const tensor = rewriting.floats(name);
  if (tensor === undefined || tensor.dims.length > 4) return undefined;
  const [, channels = 1] = [...Array(4 - tensor.dims.length).fill(1), ...tensor.dims] as number[];
  return tensor.data.length === channels && channels > 0 ? [...tensor.data] : undefined;
}

function batchNormalization(rewriting: Rewriting, node: OnnxNode, value: string): Affine | undefined {
  const [input, ...parameters] = node.inputs;
  const vectors = parameters.map((name) => rewriting.floats(name));
  const [scale, bias, mean, variance] = vectors;
  if (input !== value || !scale || !bias || !mean || !variance) return undefined;
  if (vectors.some((vector) => vector?.dims.length !== 1 || vector.dims[0] !== scale.dims[0])) return undefined;
  const { epsilon } = node.attributes;
  const least = epsilon === undefined ? DEFAULT_EPSILON : 'float' in epsilon ? epsilon.float : Number.NaN;
  const factor = Array.from(scale.data, (s, i) => s / Math.sqrt((variance.data[i] as number) + least));
  return { factor, offset: factor.map((f, i) => (bias.data[i] as number) - f * (mean.data[i] as number)) };
}

function lengthOf({ factor, offset }: Affine): number {
  return Math.max(factor.length, offset.length);
}

/** `second` after `first`; NaN, which `fits` refuses, where one lacks a channel of the other. */
function compose(first: Affine, second: Affine): Affine {
  const length = Math.max(lengthOf(first), lengthOf(second));
  const indices = Array.from({ length }, (_, i) => i);
  return {
    factor: indices.map((i) => at(first.factor, i) * at(second.factor, i)),
    offset: indices.map((i) => at(first.offset, i) * at(second.factor, i) + at(second.offset, i)),
  };
}

/** The value for one channel. */
export function at(values: readonly number[], channel: number): number {
  return values[values.length === 1 ? 0 : channel] as number;
}

/** Whether there is one value for all of the channels, or one for each of them, and all are finite. */
export function fits({ factor, offset }: Affine, channels: number): boolean {
  return [factor, offset].every(
    (values) => (values.length === 1 || values.length === channels) && values.every(Number.isFinite),
  );
}
