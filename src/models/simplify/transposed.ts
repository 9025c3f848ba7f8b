import type { OnnxGraph, OnnxNode } from '../compile/onnx.ts';
import { type Convolution, convolutionOf, isUnpadded } from './convolution.ts';
import { Rewriting } from './rewriting.ts';

const ACTIVATIONS = ['Relu', 'Sigmoid'];

/** A value that DepthToSpace (DCR) makes of `source`: channel (row·block + column)·channels + c becomes one of a block. */
interface Blocks {
  readonly source: string;
  readonly block: number;
  readonly node: OnnxNode;
}

/**
 * Writes a transposed convolution whose blocks do not overlap (stride = kernel) as a 1×1 convolution to the pixels of
 * each block, followed by DepthToSpace; activations, and a second such convolution that needs no more channels, are
 * moved before it. All that computes then runs at the lower resolution, in onnxruntime's fastest layout.
 *
 * Exact: every output pixel of such a convolution has one tap, W[c,o,r,s] for row r and column s of its block. What is
 * done to each pixel alone is the same before and after pixels are moved: a second one has for block B = b·k the
 * weights W[c,o,R mod k,S mod k] for the input channel of pixel (⌊R/k⌋, ⌊S/k⌋), and zeros for those of other pixels.
 */
export function lowerTransposed(graph: OnnxGraph): OnnxGraph {
  const rewriting = new Rewriting(graph);
  const blocksOf = new Map<string, Blocks>();
  for (const node of rewriting.nodes()) {
    const convolution = convolutionOf(rewriting, node);
    const kernel = convolution && kernelOf(convolution);
    if (!convolution || kernel === undefined) continue;
    const [input = ''] = node.inputs;
    const before = rewriting.onlyUser(input) === node ? blocksOf.get(input) : undefined;
    const fused = before && canFuse(convolution, kernel) ? before : undefined;
    const activations = activationsAfter(rewriting, node);
    const output = (activations.at(-1) ?? node).outputs[0] as string;
    const block = kernel * (fused?.block ?? 1);
    const pixels = pointwise(rewriting, convolution, kernel, fused);
    const chain = [pixels];
    for (const { opType } of activations) chain.push(unary(rewriting, opType, chain.at(-1) as OnnxNode));
    const source = chain.at(-1)?.outputs[0] as string;
    const attributes = { blocksize: { int: block }, mode: { string: 'DCR' } };
    const shuffle = { opType: 'DepthToSpace', name: output, inputs: [source], outputs: [output], attributes };
    rewriting.replace(node, [...chain, shuffle], [...activations, ...(fused ? [fused.node] : [])]);
    blocksOf.set(output, { source, block, node: shuffle });
  }
  return rewriting.graph();
}

/** The side of the kernel, when it is square, the same as the stride, and nothing else is special. */
function kernelOf({ node, isTransposed, weights, groups }: Convolution): number | undefined {
  const { strides, dilations, output_padding: extra, output_shape: shape, auto_pad: auto } = node.attributes;
  const [, , rows = 0, columns = 0] = weights.dims;
  const isPlain = isTransposed && groups === 1 && isUnpadded(node) && !extra && !shape && !auto;
  if (!isPlain || rows !== columns || rows < 2 || !strides || !('ints' in strides)) return undefined;
  if (dilations && !('ints' in dilations && dilations.ints.every((step) => step === 1))) return undefined;
  return strides.ints.length === 2 && strides.ints.every((stride) => stride === rows) ? rows : undefined;
}

function canFuse({ inChannels, outChannels }: Convolution, kernel: number): boolean {
  return outChannels * kernel ** 2 <= inChannels;
}

function activationsAfter(rewriting: Rewriting, node: OnnxNode): OnnxNode[] {
  const activations: OnnxNode[] = [];
  for (let next = rewriting.onlyUser(node.outputs[0]); next; next = rewriting.onlyUser(next.outputs[0])) {
    if (!ACTIVATIONS.includes(next.opType)) break;
    activations.push(next);
  }
  return activations;
}

function unary(rewriting: Rewriting, opType: string, before: OnnxNode): OnnxNode {
  const [input = ''] = before.outputs;
  const output = rewriting.unique(`${input}/${opType}`);
  return { opType, name: output, inputs: [input], outputs: [output], attributes: {} };
}

/** The 1×1 convolution to all pixels of a block, which reads those of the blocks before it. */
function pointwise(
  rewriting: Rewriting,
  convolution: Convolution,
  kernel: number,
  before: Blocks | undefined,
): OnnxNode {
  const { node, weights, bias, inChannels, outChannels } = convolution;
  const inner = before?.block ?? 1;
  const block = inner * kernel;
  const inputs = inner ** 2 * inChannels;
  const data = new Float32Array(block ** 2 * outChannels * inputs);
  for (let row = 0; row < block; row++) {
    for (let column = 0; column < block; column++) {
      const pixel = Math.floor(row / kernel) * inner + Math.floor(column / kernel);
      const tap = (row % kernel) * kernel + (column % kernel);
      for (let o = 0; o < outChannels; o++) {
        const to = ((row * block + column) * outChannels + o) * inputs + pixel * inChannels;
        for (let c = 0; c < inChannels; c++) {
          data[to + c] = weights.data[(c * outChannels + o) * kernel ** 2 + tap] as number;
        }
      }
    }
  }
  const output = rewriting.unique(`${node.outputs[0]}/pixels`);
  const channels = block ** 2 * outChannels;
  const repeated = Float32Array.from({ length: channels }, (_, i) => bias[i % outChannels] as number);
  return {
    opType: 'Conv',
    name: output,
    inputs: [
      before?.source ?? (node.inputs[0] as string),
      rewriting.constant(`${output}/weights`, [channels, inputs, 1, 1], data),
      rewriting.constant(`${output}/bias`, [channels], repeated),
    ],
    outputs: [output],
    attributes: { kernel_shape: { ints: [1, 1] } },
  };
}
