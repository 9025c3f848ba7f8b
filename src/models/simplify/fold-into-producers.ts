import type { OnnxGraph } from '../compile/onnx.ts';
import { type AffineChain, affineChain, at, fits } from './affine.ts';
import { type Convolution, channelsOf, convolutionOf, withWeights } from './convolution.ts';
import { Rewriting } from './rewriting.ts';

/**
 * Folds what is affine per channel (Mul, Add, BatchNormalization with constants) into the convolution before it, when
 * nothing else uses what is between.
 *
 * Exact: a convolution is linear in the weights of each output channel, so f·(W∗x + b) + c = (f·W)∗x + (f·b + c).
 */
export function foldIntoProducers(graph: OnnxGraph): OnnxGraph {
  const rewriting = new Rewriting(graph);
  for (const node of rewriting.nodes()) {
    const convolution = convolutionOf(rewriting, node);
    const [value = ''] = node.outputs;
    const chain = convolution && affineChain(rewriting, rewriting.onlyUser(value), value);
    if (!chain || !fits(chain, convolution.outChannels)) continue;
    const folded = withWeights(rewriting, convolution, scaled(convolution, chain));
    if (folded) rewriting.replace(node, [folded], chain.nodes);
  }
  return rewriting.graph();
}

function scaled(convolution: Convolution, { factor, offset, output }: AffineChain) {
  const weights = convolution.weights.data.map((w, i) => w * at(factor, channelsOf(convolution, i)[0]));
  const bias = convolution.bias.map((b, i) => b * at(factor, i) + at(offset, i));
  return { weights, bias, output };
}
