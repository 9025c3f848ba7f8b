import type { OnnxGraph, OnnxNode } from '../compile/onnx.ts';
import { type Affine, affineChain, at, fits } from './affine.ts';
import { channelCount } from './channels.ts';
import { type Convolution, channelsOf, convolutionOf, isUnpadded, withWeights } from './convolution.ts';
import { Rewriting } from './rewriting.ts';

/**
 * Folds `factor * x + offset` per channel into the convolutions after it, when nothing but convolutions uses the result.
 *
 * Exact: a convolution is linear in the weights of each input channel, so W∗(f·x + c) = (f·W)∗x + ΣW·c, where the sum
 * is the same everywhere as long as the convolution does not see beyond the image. Where it is padded, zeros are
 * padded after the offset has been added, so the offset stays a node: W∗(f·x + c) = (f·W)∗(x + c/f), and 0 = f·0.
 */
export function foldIntoConsumers(graph: OnnxGraph): OnnxGraph {
  const rewriting = new Rewriting(graph);
  for (const node of rewriting.nodes()) {
    const [value] = node.inputs.filter((input) => rewriting.floats(input) === undefined);
    const chain = value === undefined ? undefined : affineChain(rewriting, node, value);
    if (value === undefined || !chain || rewriting.isOutput(chain.output)) continue;
    const users = rewriting.users(chain.output).map((user) => convolutionOf(rewriting, user));
    if (!users.every((user) => isFoldable(user, chain, chain.output)) || users.length === 0) continue;
    // A value of fewer channels or dimensions would be broadcast by the constants.
    if (channelCount(rewriting, value) !== users[0]?.inChannels) continue;
    fold(rewriting, value, chain, users as Convolution[]);
  }
  return rewriting.graph();
}

function isFoldable(user: Convolution | undefined, affine: Affine, value: string): boolean {
  return (
    user !== undefined &&
    !user.isTransposed &&
    user.node.inputs.filter((input) => input === value).length === 1 &&
    user.node.inputs[0] === value &&
    fits(affine, user.inChannels)
  );
}

function fold(
  rewriting: Rewriting,
  value: string,
  { factor, offset, nodes, output }: NonNullable<ReturnType<typeof affineChain>>,
  users: readonly Convolution[],
): void {
  const channels = users[0]?.inChannels ?? 1;
  const needsOffset = offset.some((c) => c !== 0) && users.some((user) => !isUnpadded(user.node));
  if (needsOffset && (factor.some((f) => f === 0) || isOnlyOffset(factor))) return;
  const folded = users.map((user) => {
    const isFree = isUnpadded(user.node);
    const weights = user.weights.data.map((w, i) => w * at(factor, channelsOf(user, i)[1]));
    const bias = isFree ? addSum(user, offset) : user.bias;
    return withWeights(rewriting, user, { weights, bias, input: isFree || !needsOffset ? value : output });
  });
  if (folded.some((user) => user === undefined)) return;
  const [first, ...rest] = nodes;
  rewriting.replace(first, needsOffset ? [addOffset(rewriting, value, output, factor, offset, channels)] : [], rest);
  for (const [i, user] of users.entries()) rewriting.replace(user.node, [folded[i] as OnnxNode]);
}

function isOnlyOffset(factor: readonly number[]): boolean {
  return factor.every((f) => f === 1);
}

function addSum(user: Convolution, offset: readonly number[]): Float32Array {
  const sums = [...user.bias];
  for (const [i, w] of user.weights.data.entries()) {
    const [output, input] = channelsOf(user, i);
    sums[output] = (sums[output] as number) + w * at(offset, input);
  }
  return Float32Array.from(sums);
}

function addOffset(
  rewriting: Rewriting,
  value: string,
  output: string,
  factor: readonly number[],
  offset: readonly number[],
  channels: number,
): OnnxNode {
  const length = Math.max(factor.length, offset.length);
  const data = Float32Array.from({ length }, (_, i) => at(offset, i) / at(factor, i));
  const constant = rewriting.constant(`${output}/offset`, length === 1 ? [] : [1, channels, 1, 1], data);
  return { opType: 'Add', name: output, inputs: [value, constant], outputs: [output], attributes: {} };
}
