import type { GraphBuilder } from './builder.ts';
import { addConvolution, convFilter } from './conv.ts';
import { sizeOf, type Tensor } from './tensor.ts';
import type { Weights } from './weights.ts';

/** Anchors of all feature maps: 3 a cell on 32², 6 a cell on 16², 8², 4², 2² and 1. */
export const ANCHORS = 5118;

/** Classes of the class predictor: background, face, and one that is never used. */
const CLASS_COUNT = 3;
const FACE_CLASS = 1;

/** The box coder's variances: 1/10 for centres, 1/5 for logarithms of sizes. */
const CENTRE_SCALE = 0.1;
const SIZE_SCALE = 0.2;

/** The graph under construction and what it is made from. */
export interface Network {
  readonly builder: GraphBuilder;
  readonly weights: Weights;
}

/** Square NCHW activations. */
export interface FeatureMap {
  readonly name: string;
  readonly channels: number;
  /** Side in cells. */
  readonly size: number;
}

/** Box encodings of one feature map: [1, cells × anchors, 4] as tx, ty, tw, th. */
export function addBoxPredictor(net: Network, index: number, map: FeatureMap, anchors: number): string {
  const { builder } = net;
  // Stored as ty, tx, th, tw per anchor: swapping output channels here saves shuffling values at run time.
  const channels = Array.from({ length: anchors * 4 }, (_, i) => i ^ 1);
  const name = `Prediction/BoxPredictor_${index}/BoxEncodingPredictor`;
  const conv = addPredictor(net, name, map, anchors * 4, channels);
  return builder.node('Reshape', `${name}/encodings`, [conv, builder.int64s([1, map.size ** 2 * anchors, 4])]);
}

/** Face logits of one feature map: [1, cells × anchors]. */
export function addScorePredictor(net: Network, index: number, map: FeatureMap, anchors: number): string {
  const { builder } = net;
  const channels = Array.from({ length: anchors }, (_, i) => i * CLASS_COUNT + FACE_CLASS);
  const name = `Prediction/BoxPredictor_${index}/ClassPredictor`;
  const conv = addPredictor(net, name, map, anchors * CLASS_COUNT, channels);
  return builder.node('Reshape', `${name}/logits`, [conv, builder.int64s([1, map.size ** 2 * anchors])]);
}

/** 1×1 convolution of which only the output `channels` are kept, in that order: [1, cells, cells, channels]. */
function addPredictor(
  { builder, weights }: Network,
  name: string,
  map: FeatureMap,
  stored: number,
  channels: readonly number[],
): string {
  const conv = addConvolution(builder, {
    name,
    input: map.name,
    size: [map.size, map.size],
    filter: selectFirstAxis(convFilter(weights.get(`${name}/weights`, [1, 1, map.channels, stored])), channels),
    bias: selectFirstAxis(weights.get(`${name}/biases`, [stored]), channels),
    strides: [1, 1],
    padding: 'SAME',
  });
  return builder.node('Transpose', `${name}/nhwc`, [conv], { perm: { ints: [0, 2, 3, 1] } });
}

/**
 * Writes output `boxes` from encodings [1,5118,4].
 * centre = t · 0.1 · anchor size + anchor centre; size = exp(t · 0.2) · anchor size; corners = centre ∓ size / 2.
 */
export function addBoxDecoder({ builder: b, weights }: Network, encodings: string): void {
  const corners = weights.get('Output/extra_dim', [1, ANCHORS, 4]).data;
  const centres = new Float32Array(ANCHORS * 2);
  const steps = new Float32Array(ANCHORS * 2);
  const halves = new Float32Array(ANCHORS * 2);
  for (let anchor = 0; anchor < ANCHORS; anchor++) {
    for (const axis of [0, 1]) {
      // Anchors are stored as y1, x1, y2, x2.
      const low = corners[anchor * 4 + (1 - axis)] as number;
      const high = corners[anchor * 4 + (3 - axis)] as number;
      centres[anchor * 2 + axis] = (low + high) / 2;
      steps[anchor * 2 + axis] = (high - low) * CENTRE_SCALE;
      halves[anchor * 2 + axis] = (high - low) / 2;
    }
  }
  const constant = (name: string, data: Float32Array) => b.constant(name, { shape: [1, ANCHORS, 2], data });
  const [position, logSize] = [b.uniqueName('encodings/position'), b.uniqueName('encodings/size')] as const;
  b.nodeWithOutputs('Split', [encodings, b.int64s([2, 2])], [position, logSize], { axis: { int: 2 } });
  const offset = b.node('Mul', 'boxes/offset', [position, constant('anchors/step', steps)]);
  const centre = b.node('Add', 'boxes/centre', [offset, constant('anchors/centre', centres)]);
  const growth = b.node('Exp', 'boxes/growth', [b.node('Mul', 'boxes/log_size', [logSize, b.scalar(SIZE_SCALE)])]);
  const half = b.node('Mul', 'boxes/half', [growth, constant('anchors/half', halves)]);
  const low = b.node('Sub', 'boxes/low', [centre, half]);
  const high = b.node('Add', 'boxes/high', [centre, half]);
  b.node('Concat', 'boxes', [low, high], { axis: { int: 2 } });
}

function selectFirstAxis(tensor: Tensor, indices: readonly number[]): Tensor {
  const [, ...rest] = tensor.shape;
  const stride = sizeOf(rest);
  const data = new Float32Array(indices.length * stride);
  for (const [to, from] of indices.entries()) {
    data.set(tensor.data.subarray(from * stride, (from + 1) * stride), to * stride);
  }
  return { shape: [indices.length, ...rest], data };
}
