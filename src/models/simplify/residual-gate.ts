import type { OnnxGraph, OnnxNode } from '../compile/onnx.ts';
import { isOnePixel } from './gate.ts';
import { otherInput, Rewriting } from './rewriting.ts';

/**
 * Writes a squeeze-and-excitation block with a residual, x + x·s, as x·(s + 1): one pass over the image instead of two.
 * Fires only where s is one value per channel, made by pointwise nodes from a global average.
 *
 * Exact: the distributive law.
 */
export function factorResidualGates(graph: OnnxGraph): OnnxGraph {
  const rewriting = new Rewriting(graph);
  for (const node of rewriting.nodes()) {
    const [output = ''] = node.outputs;
    const match = matchResidual(rewriting, node);
    if (!match) continue;
    const { value, gate, multiply } = match;
    const one = rewriting.constant(`${output}/one`, [], Float32Array.of(1));
    const sum = rewriting.unique(`${output}/gate`);
    rewriting.replace(
      node,
      [
        { opType: 'Add', name: sum, inputs: [gate, one], outputs: [sum], attributes: {} },
        { opType: 'Mul', name: output, inputs: [value, sum], outputs: [output], attributes: {} },
      ],
      [multiply],
    );
  }
  return rewriting.graph();
}

function matchResidual(rewriting: Rewriting, add: OnnxNode) {
  if (add.opType !== 'Add') return undefined;
  for (const value of add.inputs) {
    const product = otherInput(add, value);
    const multiply = rewriting.maker(product);
    if (multiply?.opType !== 'Mul' || rewriting.onlyUser(product) !== add) continue;
    const gate = otherInput(multiply, value);
    if (gate !== undefined && isOnePixel(rewriting, gate)) return { value, gate, multiply };
  }
  return undefined;
}
