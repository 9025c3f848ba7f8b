import type { OnnxGraph, OnnxNode } from '../compile/onnx.ts';
import { otherInput, Rewriting, scalarOf } from './rewriting.ts';

/**
 * Writes a hardswish that was exported as x·clip(x + 3, 0, 6) / 6 in two nodes instead of four, x·hardsigmoid(x).
 *
 * Exact: clip(x + 3, 0, 6) / 6 = clip(x/6 + 1/2, 0, 1), which is ONNX's HardSigmoid with alpha 1/6 and beta 1/2.
 */
export function fuseHardSwish(graph: OnnxGraph): OnnxGraph {
  const rewriting = new Rewriting(graph);
  for (const node of rewriting.nodes()) {
    const match = matchHardSwish(rewriting, node);
    if (!match) continue;
    const { value, output, last, merged } = match;
    const gate = rewriting.unique(`${output}/gate`);
    const attributes = { alpha: { float: Math.fround(1 / 6) }, beta: { float: 0.5 } };
    rewriting.replace(
      last,
      [
        { opType: 'HardSigmoid', name: gate, inputs: [value], outputs: [gate], attributes },
        { opType: 'Mul', name: output, inputs: [value, gate], outputs: [output], attributes: {} },
      ],
      merged,
    );
  }
  return rewriting.graph();
}

interface HardSwish {
  readonly value: string;
  readonly output: string;
  readonly last: OnnxNode;
  readonly merged: readonly OnnxNode[];
}

/** The hardswish that begins with the node `x + 3`. */
function matchHardSwish(rewriting: Rewriting, add: OnnxNode): HardSwish | undefined {
  if (add.opType !== 'Add') return undefined;
  const value = add.inputs.find((input) => scalarOf(rewriting.floats(otherInput(add, input))) === 3);
  const clip = rewriting.onlyUser(add.outputs[0]);
  if (value === undefined || clip?.opType !== 'Clip' || clip.inputs.length !== 3) return undefined;
  const [clipped, low, high] = clip.inputs;
  if (clipped !== add.outputs[0]) return undefined;
  if (scalarOf(rewriting.floats(low)) !== 0 || scalarOf(rewriting.floats(high)) !== 6) return undefined;
  const multiply = rewriting.onlyUser(clip.outputs[0]);
  if (multiply?.opType !== 'Mul' || otherInput(multiply, value) !== clip.outputs[0]) return undefined;
  const divide = rewriting.onlyUser(multiply.outputs[0]);
  if (divide?.opType !== 'Div' || divide.inputs[0] !== multiply.outputs[0]) return undefined;
  if (scalarOf(rewriting.floats(divide.inputs[1])) !== 6) return undefined;
  return { value, output: divide.outputs[0] as string, last: divide, merged: [add, clip, multiply] };
}
