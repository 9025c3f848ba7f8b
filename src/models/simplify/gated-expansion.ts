import type { OnnxGraph, OnnxNode } from '../compile/onnx.ts';
import { channelCount, nearestScale } from './channels.ts';
import { type Convolution, convolutionOf, isPlainThreeByThree, isPointwise } from './convolution.ts';
import { isOnePixel } from './gate.ts';
import { otherInput, Rewriting } from './rewriting.ts';
import { convolveDoubled } from './upsampled.ts';

/** The gated image has at least this many times the channels from which it was expanded. */
const LEAST_EXPANSION = 4;

/** What a 3×3 convolution sees: g·(E∗x) + u, with E 1×1 and without a bias, g of one pixel, and u of repeated pixels. */
interface Match {
  readonly expansion: Convolution;
  readonly gate: string;
  readonly repeated: string;
  readonly scale: number;
}

/**
 * A padded 3×3 convolution W over g·(E∗x) + u, where a 1×1 convolution E expands few channels x to many, g gates each
 * of those and u repeats pixels: convolves x itself with weights that are computed from g, and u before it is repeated.
 * Fires only where the model looks at one image at a time, since the weights then belong to that image.
 *
 * Exact: W∗(g·(E∗x) + u) = (W·g·E)∗x + W∗u, where (W·g·E)[o,k,t] = Σ over c of W[o,c,t]·g[c]·E[c,k]. Zeros beyond the
 * edges stay zeros, as E has no bias. Both terms of the sum have the same size, unless an image is below 8 pixels.
 */
export function convolveBeforeGatedExpansion(graph: OnnxGraph): OnnxGraph {
  if (graph.inputs.some((input) => input.dims[0] !== 1)) return graph;
  const rewriting = new Rewriting(graph);
  for (const node of rewriting.nodes()) {
    const convolution = convolutionOf(rewriting, node);
    const match = convolution && isPlainThreeByThree(convolution) && matchSum(rewriting, convolution);
    if (!convolution || !match) continue;
    const { repeated, scale } = match;
    const part = { value: repeated, first: 0, channels: convolution.inChannels, scale };
    const doubled = convolveDoubled(rewriting, convolution, [part]);
    const gated = convolveGated(rewriting, convolution, match);
    const [output = ''] = node.outputs;
    const inputs = [gated, doubled].map((nodes) => nodes.at(-1)?.outputs[0] as string);
    const sum: OnnxNode = { opType: 'Add', name: output, inputs, outputs: [output], attributes: {} };
    rewriting.replace(node, [...doubled, ...gated, sum]);
  }
  return rewriting.graph();
}

function matchSum(rewriting: Rewriting, { node, inChannels }: Convolution): Match | undefined {
  const [value = ''] = node.inputs;
  const add = rewriting.onlyUser(value) === node ? rewriting.maker(value) : undefined;
  if (add?.opType !== 'Add') return undefined;
  for (const repeated of add.inputs) {
    const scale = nearestScale(rewriting, repeated) ?? 1;
    const product = otherInput(add, repeated);
    const multiply = rewriting.maker(product);
    if (scale % 2 !== 0 || multiply?.opType !== 'Mul' || rewriting.onlyUser(product) !== add) continue;
    for (const gate of multiply.inputs) {
      const expansion = convolutionOf(rewriting, rewriting.maker(otherInput(multiply, gate)));
      if (!expansion || !isExpansion(expansion, inChannels) || !isOnePixel(rewriting, gate)) continue;
      if ([gate, repeated].some((part) => channelCount(rewriting, part) !== inChannels)) continue;
      return { expansion, gate, repeated, scale };
    }
  }
  return undefined;
}

function isExpansion(expansion: Convolution, channels: number): boolean {
  const { inChannels, outChannels, bias } = expansion;
  const isWide = outChannels === channels && outChannels >= LEAST_EXPANSION * inChannels;
  return isWide && isPointwise(expansion) && bias.every((b) => b === 0);
}

/** The convolution of what was expanded, with the bias. */
function convolveGated(rewriting: Rewriting, convolution: Convolution, { expansion, gate }: Match): OnnxNode[] {
  const { node, weights, bias, inChannels, outChannels, taps } = convolution;
  const channels = expansion.inChannels;
  const name = `${node.outputs[0]}/gated`;
  const nodes: OnnxNode[] = [];
  const step = (opType: string, inputs: readonly string[], attributes: OnnxNode['attributes'] = {}): string => {
    const output = rewriting.unique(`${name}/${opType}`);
    nodes.push({ opType, name: output, inputs, outputs: [output], attributes });
    return output;
  };
  // Rows are pairs of an output channel and a tap, columns the expanded channels.
  const rows = weights.data.map((_, i) => {
    const [row, c] = [Math.floor(i / inChannels), i % inChannels];
    return weights.data[(Math.floor(row / taps) * inChannels + c) * taps + (row % taps)] as number;
  });
  const matrix = rewriting.constant(`${name}/rows`, [outChannels * taps, inChannels], rows);
  const expand = rewriting.constant(`${name}/expansion`, [inChannels, channels], expansion.weights.data);
  const vector = step('Reshape', [gate, rewriting.int64s(`${name}/vector`, [1, inChannels])]);
  const product = step('MatMul', [step('Mul', [matrix, vector]), expand]);
  const kernel = step('Reshape', [product, rewriting.int64s(`${name}/shape`, [outChannels, 3, 3, channels])]);
  const own = step('Transpose', [kernel], { perm: { ints: [0, 3, 1, 2] } });
  const [input = ''] = expansion.node.inputs;
  step('Conv', [input, own, rewriting.constant(`${name}/bias`, [outChannels], bias)], node.attributes);
  return nodes;
}
