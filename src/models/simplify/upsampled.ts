import type { OnnxGraph, OnnxNode } from '../compile/onnx.ts';
import { channelCount, nearestScale } from './channels.ts';
import { type Convolution, convolutionOf, isPlainThreeByThree } from './convolution.ts';
import { Rewriting } from './rewriting.ts';

/** An input of the concatenation before a convolution. */
export interface Part {
  readonly value: string;
  /** Its first channel in the concatenation. */
  readonly first: number;
  readonly channels: number;
  /** How often each pixel has been repeated in both directions; 1 when it has not. */
  readonly scale: number;
}

/** Nodes of which the last makes the result. */
export type Nodes = readonly [...OnnxNode[], OnnxNode];

/**
 * Where a padded 3×3 convolution sees, among others, pixels that have been repeated (nearest, an even factor), computes
 * its part of those before their last doubling: 16 taps for each pixel there instead of 9 for each of the four it
 * becomes.
 *
 * Exact: the convolution of a concatenation is the sum of those of its parts. Of x repeated twice, u[2i] = u[2i+1] =
 * x[i], it is, along one axis, y[2i] = w₀·x[i−1] + (w₁+w₂)·x[i] and y[2i+1] = (w₀+w₁)·x[i] + w₂·x[i+1], with zeros
 * beyond the edges in both. A convolution of two taps over x padded by one makes y[2j−1] and y[2j] for j = 0…n as two
 * channels; DepthToSpace puts them side by side, and the first and the last, which lie outside, are cut off.
 */
export function convolveBeforeUpsampling(graph: OnnxGraph): OnnxGraph {
  const rewriting = new Rewriting(graph);
  for (const node of rewriting.nodes()) {
    const convolution = convolutionOf(rewriting, node);
    if (!convolution || !isPlainThreeByThree(convolution)) continue;
    const parts = partsOf(rewriting, convolution);
    const repeated = parts.filter((part) => part.scale % 2 === 0);
    const others = parts.filter((part) => part.scale % 2 !== 0);
    if (repeated.length === 0 || others.length === 0) continue;
    const [output = ''] = node.outputs;
    const before = convolveDoubled(rewriting, convolution, repeated);
    const rest = convolveOthers(rewriting, convolution, others);
    const inputs = [rest, before].map((nodes) => nodes.at(-1)?.outputs[0] as string);
    const sum: OnnxNode = { opType: 'Add', name: output, inputs, outputs: [output], attributes: {} };
    rewriting.replace(node, [...before, ...rest, sum]);
  }
  return rewriting.graph();
}

/** What the convolution sees, when it is a concatenation of values whose channels are known; else nothing. */
function partsOf(rewriting: Rewriting, { node, inChannels }: Convolution): readonly Part[] {
  const concat = rewriting.maker(node.inputs[0]);
  const axis = concat?.attributes.axis;
  if (concat?.opType !== 'Concat' || axis === undefined || !('int' in axis) || axis.int !== 1) return [];
  if (rewriting.onlyUser(concat.outputs[0]) !== node) return [];
  const parts: Part[] = [];
  let first = 0;
  for (const value of concat.inputs) {
    const channels = channelCount(rewriting, value);
    if (channels === undefined) return [];
    parts.push({ value, first, channels, scale: nearestScale(rewriting, value) ?? 1 });
    first += channels;
  }
  return first === inChannels ? parts : [];
}

/** The convolution of all that has been doubled last, without the bias. */
export function convolveDoubled(rewriting: Rewriting, convolution: Convolution, parts: readonly Part[]): Nodes {
  const { outChannels } = convolution;
  const name = `${convolution.node.outputs[0]}/doubled`;
  const nodes: OnnxNode[] = [];
  const values = parts.map(({ value, scale }) => {
    const resize = rewriting.maker(value) as OnnxNode;
    const [input = '', roi = ''] = resize.inputs;
    if (scale === 2) return input;
    const scales = rewriting.constant(`${value}/scales`, [4], Float32Array.of(1, 1, scale / 2, scale / 2));
    const half = rewriting.unique(`${value}/half`);
    nodes.push({ ...resize, name: half, inputs: [input, roi, scales], outputs: [half] });
    return half;
  });
  const input = concat(rewriting, `${name}/input`, values, nodes);
  const inputs = parts.reduce((sum, part) => sum + part.channels, 0);
  const weights = rewriting.constant(
    `${name}/weights`,
    [4 * outChannels, inputs, 2, 2],
    doubledWeights(sliceOf(convolution, parts), outChannels, inputs),
  );
  const step = (
    opType: string,
    suffix: string,
    from: readonly string[],
    attributes: OnnxNode['attributes'],
  ): string => {
    const output = rewriting.unique(`${name}/${suffix}`);
    nodes.push({ opType, name: output, inputs: from, outputs: [output], attributes });
    return output;
  };
  const attributes = { kernel_shape: { ints: [2, 2] }, pads: { ints: [1, 1, 1, 1] } };
  const phases = step('Conv', 'phases', [input, weights], attributes);
  const pixels = step('DepthToSpace', 'pixels', [phases], { blocksize: { int: 2 }, mode: { string: 'DCR' } });
  const [starts, ends, axes] = [
    [1, 1],
    [-1, -1],
    [2, 3],
  ].map((ints) => rewriting.int64s(`${name}/crop`, ints));
  step('Slice', 'inside', [pixels, starts as string, ends as string, axes as string], {});
  return nodes as [OnnxNode];
}

/** The convolution of the rest, with the bias. */
function convolveOthers(rewriting: Rewriting, convolution: Convolution, parts: readonly Part[]): Nodes {
  const { node, bias, outChannels } = convolution;
  const name = rewriting.unique(`${node.outputs[0]}/rest`);
  const nodes: OnnxNode[] = [];
  const values = parts.map((part) => part.value);
  const inputs = [
    concat(rewriting, `${name}/input`, values, nodes),
    rewriting.constant(
      `${name}/weights`,
      [outChannels, parts.reduce((sum, part) => sum + part.channels, 0), 3, 3],
      sliceOf(convolution, parts),
    ),
    rewriting.constant(`${name}/bias`, [outChannels], bias),
  ];
  return [...nodes, { ...node, name, inputs, outputs: [name] }];
}

function concat(rewriting: Rewriting, name: string, values: readonly string[], nodes: OnnxNode[]): string {
  const [only = ''] = values;
  if (values.length === 1) return only;
  const output = rewriting.unique(name);
  nodes.push({ opType: 'Concat', name: output, inputs: values, outputs: [output], attributes: { axis: { int: 1 } } });
  return output;
}

/** The weights of these parts of the input alone. */
function sliceOf({ weights, inChannels, outChannels, taps }: Convolution, parts: readonly Part[]): Float32Array {
  const slices = Array.from({ length: outChannels }, (_, o) =>
    parts.flatMap(({ first, channels }) => {
      const from = (o * inChannels + first) * taps;
      return [...weights.data.subarray(from, from + channels * taps)];
    }),
  );
  return Float32Array.from(slices.flat());
}

/** Which of the three taps go into the first and the second of two, for the odd pixel (first in a block) and the even. */
const TAPS = [
  [[0, 1], [2]],
  [[0], [1, 2]],
] as const;

/** Weights of the 2×2 convolution whose channels are the four pixels of a block, each with all channels of the output. */
function doubledWeights(weights: Float32Array, outChannels: number, inChannels: number): Float32Array {
  const data = new Float32Array(4 * outChannels * inChannels * 4);
  let to = 0;
  for (const rows of TAPS) {
    for (const columns of TAPS) {
      for (let pair = 0; pair < outChannels * inChannels; pair++) {
        for (const row of rows) {
          for (const column of columns) {
            let sum = 0;
            for (const r of row) for (const c of column) sum += weights[pair * 9 + r * 3 + c] as number;
            data[to++] = sum;
          }
        }
      }
    }
  }
  return data;
}
