import { ModelError } from '../../errors.ts';
import { encodeModel, type OnnxGraph } from '../compile/onnx.ts';
import { decodeModel } from '../compile/onnx-reader.ts';
import { averageBeforeExpansion } from './average.ts';
import { dropUnused } from './drop-unused.ts';
import { foldIntoConsumers } from './fold-into-consumers.ts';
import { foldIntoProducers } from './fold-into-producers.ts';
import { convolveBeforeGatedExpansion } from './gated-expansion.ts';
import { fuseHardSwish } from './hard-swish.ts';
import { takeOneImage } from './one-image.ts';
import { factorResidualGates } from './residual-gate.ts';
import { lowerTransposed } from './transposed.ts';
import { convolveBeforeUpsampling } from './upsampled.ts';

/** Operator sets in which the operators that passes read and write mean the same. */
const OPSETS = { first: 11, last: 13 } as const;

/** In this order: a hardswish begins with an addition that would be folded away, and each folds what the last left. */
const PASSES: readonly ((graph: OnnxGraph) => OnnxGraph)[] = [
  takeOneImage,
  fuseHardSwish,
  foldIntoProducers,
  foldIntoConsumers,
  factorResidualGates,
  lowerTransposed,
  convolveBeforeUpsampling,
  averageBeforeExpansion,
  convolveBeforeGatedExpansion,
  dropUnused,
];

/**
 * Rewrites an ONNX model to one that computes the same with less work; only rounding differs, and the result takes one
 * image at a time. Pure: the same bytes in give the same bytes out on every machine, since constants are computed in
 * double precision, in the order of the file, and rounded to float32 after each pass.
 * @throws ModelError when the bytes are no model that `decodeModel` takes, or of another operator set
 */
export function simplifyModel(bytes: Uint8Array): Uint8Array {
  const graph = decodeModel(bytes);
  const { opset = 0 } = graph;
  if (opset < OPSETS.first || opset > OPSETS.last) {
    throw new ModelError(`Expected operator set ${OPSETS.first} to ${OPSETS.last} but received ${opset}`);
  }
  return encodeModel(PASSES.reduce((simpler, pass) => pass(simpler), graph));
}
