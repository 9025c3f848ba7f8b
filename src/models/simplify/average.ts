import type { OnnxGraph } from '../compile/onnx.ts';
import { convolutionOf, isPointwise } from './convolution.ts';
import { Rewriting } from './rewriting.ts';

/**
 * Takes the global average before a 1×1 convolution to more channels instead of after it: fewer pixels to add up, and
 * what comes between may become superfluous.
 *
 * Exact: the mean is linear, and the mean of the bias is the bias.
 */
export function averageBeforeExpansion(graph: OnnxGraph): OnnxGraph {
  const rewriting = new Rewriting(graph);
  for (const node of rewriting.nodes()) {
    if (node.opType !== 'GlobalAveragePool') continue;
    const expansion = convolutionOf(rewriting, rewriting.maker(node.inputs[0]));
    if (!expansion || !isPointwise(expansion) || expansion.inChannels >= expansion.outChannels) continue;
    const [output = ''] = node.outputs;
    const [input = '', ...parameters] = expansion.node.inputs;
    const mean = rewriting.unique(`${output}/mean`);
    rewriting.replace(node, [
      { ...node, name: mean, inputs: [input], outputs: [mean] },
      { ...expansion.node, name: output, inputs: [mean, ...parameters], outputs: [output] },
    ]);
  }
  return rewriting.graph();
}
