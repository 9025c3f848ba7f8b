import { convolutionOf, isPointwise } from './convolution.ts';
import type { Rewriting } from './rewriting.ts';

const ACTIVATIONS = ['Relu', 'Sigmoid', 'HardSigmoid'];

/** Whether `value` has one pixel: made by pointwise nodes from a global average. */
export function isOnePixel(rewriting: Rewriting, value: string): boolean {
  let maker = rewriting.maker(value);
  while (maker !== undefined && maker.opType !== 'GlobalAveragePool') {
    const convolution = convolutionOf(rewriting, maker);
    const isShift = maker.opType === 'Add' && rewriting.floats(maker.inputs[1])?.dims.length === 0;
    if (!isShift && !ACTIVATIONS.includes(maker.opType) && !(convolution && isPointwise(convolution))) return false;
    maker = rewriting.maker(maker.inputs[0]);
  }
  return maker !== undefined;
}
