import { GraphBuilder } from './builder.ts';
import { addConvolution, convFilter, depthwiseFilter, foldBatchNorm } from './conv.ts';
import { sizeOf, type Tensor } from './tensor.ts';
import { readWeights, type Weights } from './weights.ts';

const INPUT_SIZE = 512;
const ANCHORS = 5118;
const BATCH_NORM_EPSILON = 0.001;

/** Depthwise-separable blocks 1 to 13 of MobileNet v1: channels in and out, stride. */
const BACKBONE: readonly (readonly [number, number, 1 | 2])[] = [
  [32, 64, 1],
  [64, 128, 2],
  [128, 128, 1],
  [128, 256, 2],
  [256, 256, 1],
  [256, 512, 2],
  [512, 512, 1],
  [512, 512, 1],
  [512, 512, 1],
  [512, 512, 1],
  [512, 512, 1],
  [512, 1024, 2],
  [1024, 1024, 1],
];
/** The block whose output feeds the finest predictor. */
const FINEST_BLOCK = 11;

/** Convolutions that shrink the last feature map further: kernel, channels in and out, stride. */
const EXTRA: readonly (readonly [1 | 3, number, number, 1 | 2])[] = [
  [1, 1024, 256, 1],
  [3, 256, 512, 2],
  [1, 512, 128, 1],
  [3, 128, 256, 2],
  [1, 256, 128, 1],
  [3, 128, 256, 2],
  [1, 256, 64, 1],
  [3, 64, 128, 2],
];

/** Classes of the class predictor: background, face, and one that is never used. */
const CLASS_COUNT = 3;
const FACE_CLASS = 1;

/** The box coder's variances: 1/10 for centres, 1/5 for logarithms of sizes. */
const CENTRE_SCALE = 0.1;
const SIZE_SCALE = 0.2;

interface FeatureMap {
  readonly name: string;
  readonly channels: number;
  /** Side in cells. */
  readonly size: number;
}

/**
 * Compiles face-api's SSD MobileNet v1 face detector to ONNX.
 *
 * Input `image`: float32 [1,3,512,512], RGB, normalised to −1…1 as `(value − 127.5) / 127.5`; face-api pads the
 * image with zeros before the normalisation, at the right and bottom, to a square.
 * Output `boxes`: float32 [1,5118,4], x1, y1, x2, y2 as fractions of the input's side, decoded but not clipped.
 * (face-api itself orders them y1, x1, y2, x2.) Output `scores`: float32 [1,5118], probability of a face, 0…1.
 * Non-maximum suppression is left to the caller.
 *
 * Batch normalisation is folded into the convolutions, and only the face's column of the class predictors is kept.
 * Architecture and box coder: Liu et al., SSD (2016), as in TensorFlow's object detection API.
 *
 * @param manifest parsed `ssd_mobilenetv1_model-weights_manifest.json`
 * @param bin `ssd_mobilenetv1_model.bin`
 * @throws ModelError when a weight is missing or has another shape, or `bin` has the wrong length
 */
export function compileSsd(manifest: unknown, bin: Uint8Array): Uint8Array {
  const weights = readWeights(manifest, bin);
  const builder = new GraphBuilder();
  const boxes: string[] = [];
  const scores: string[] = [];
  for (const [i, map] of addFeatureMaps(builder, weights).entries()) {
    const anchors = i === 0 ? 3 : 6;
    boxes.push(addBoxPredictor(builder, weights, i, map, anchors));
    scores.push(addScorePredictor(builder, weights, i, map, anchors));
  }
  const logits = builder.node('Concat', 'logits', scores, { axis: { int: 1 } });
  addBoxDecoder(builder, weights, builder.node('Concat', 'encodings', boxes, { axis: { int: 1 } }));
  builder.node('Sigmoid', 'scores', [logits]);
  builder.output('boxes', 'float32', [1, ANCHORS, 4]);
  builder.output('scores', 'float32', [1, ANCHORS]);
  return builder.encode('ssd_mobilenetv1');
}

/** The six feature maps that carry predictors, finest first. */
function addFeatureMaps(builder: GraphBuilder, weights: Weights): FeatureMap[] {
  const image = builder.input('image', 'float32', [1, 3, INPUT_SIZE, INPUT_SIZE]);
  const maps: FeatureMap[] = [];
  let x = addBiasedConv(builder, weights, 'MobilenetV1/Conv2d_0_pointwise', image, [3, 3, 3, 32], 2);
  let size = INPUT_SIZE / 2;
  for (const [i, [inputs, outputs, stride]] of BACKBONE.entries()) {
    const block = i + 1;
    const prefix = `MobilenetV1/Conv2d_${block}`;
    x = addDepthwiseConv(builder, weights, `${prefix}_depthwise`, x, inputs, stride);
    x = addBiasedConv(builder, weights, `${prefix}_pointwise`, x, [1, 1, inputs, outputs], 1);
    size /= stride;
    if (block === FINEST_BLOCK || block === BACKBONE.length) maps.push({ name: x, channels: outputs, size });
  }
  for (const [i, [kernel, inputs, outputs, stride]] of EXTRA.entries()) {
    const name = `Prediction/Conv2d_${i}_pointwise`;
    x = addBiasedConv(builder, weights, name, x, [kernel, kernel, inputs, outputs], stride);
    size /= stride;
    if (stride === 2) maps.push({ name: x, channels: outputs, size });
  }
  return maps;
}

/** Convolution whose normalisation was folded when the weights were published, then ReLU6. */
function addBiasedConv(
  builder: GraphBuilder,
  weights: Weights,
  name: string,
  input: string,
  hwio: readonly [number, number, number, number],
  stride: number,
): string {
  const filter = convFilter(weights.get(`${name}/weights`, hwio));
  const bias = weights.get(`${name}/convolution_bn_offset`, [hwio[3]]);
  return addRelu6(builder, addConvolution(builder, { name, input, filter, bias, strides: [stride, stride], padding: 'SAME' }));
}

function addDepthwiseConv(
  builder: GraphBuilder,
  weights: Weights,
  name: string,
  input: string,
  channels: number,
  stride: number,
): string {
  const statistic = (kind: string): Tensor => weights.get(`${name}/BatchNorm/${kind}`, [channels]);
  const { filter, bias } = foldBatchNorm(depthwiseFilter(weights.get(`${name}/depthwise_weights`, [3, 3, channels, 1])), {
    gamma: statistic('gamma'),
    beta: statistic('beta'),
    mean: statistic('moving_mean'),
    variance: statistic('moving_variance'),
    epsilon: BATCH_NORM_EPSILON,
  });
  const strides = [stride, stride] as const;
  const conv = { name, input, filter, bias, strides, groups: channels, padding: 'SAME' } as const;
  return addRelu6(builder, addConvolution(builder, conv));
}

function addRelu6(builder: GraphBuilder, input: string): string {
  return builder.node('Clip', `${input}/relu6`, [input, builder.scalar(0), builder.scalar(6)]);
}

/** Box encodings of one feature map: [1, cells × anchors, 4] as tx, ty, tw, th. */
function addBoxPredictor(b: GraphBuilder, weights: Weights, index: number, map: FeatureMap, anchors: number): string {
  // Stored as ty, tx, th, tw per anchor: swapping output channels here saves shuffling values at run time.
  const channels = Array.from({ length: anchors * 4 }, (_, i) => i ^ 1);
  const name = `Prediction/BoxPredictor_${index}/BoxEncodingPredictor`;
  const conv = addPredictor(b, weights, name, map, anchors * 4, channels);
  return b.node('Reshape', `${name}/encodings`, [conv, b.int64s([1, map.size ** 2 * anchors, 4])]);
}

/** Face logits of one feature map: [1, cells × anchors]. */
function addScorePredictor(b: GraphBuilder, weights: Weights, index: number, map: FeatureMap, anchors: number): string {
  const channels = Array.from({ length: anchors }, (_, i) => i * CLASS_COUNT + FACE_CLASS);
  const name = `Prediction/BoxPredictor_${index}/ClassPredictor`;
  const conv = addPredictor(b, weights, name, map, anchors * CLASS_COUNT, channels);
  return b.node('Reshape', `${name}/logits`, [conv, b.int64s([1, map.size ** 2 * anchors])]);
}

/** 1×1 convolution of which only the output `channels` are kept, in that order: [1, cells, cells, channels]. */
function addPredictor(
  builder: GraphBuilder,
  weights: Weights,
  name: string,
  map: FeatureMap,
  stored: number,
  channels: readonly number[],
): string {
  const conv = addConvolution(builder, {
    name,
    input: map.name,
    filter: selectFirstAxis(convFilter(weights.get(`${name}/weights`, [1, 1, map.channels, stored])), channels),
    bias: selectFirstAxis(weights.get(`${name}/biases`, [stored]), channels),
    strides: [1, 1],
    padding: 'SAME',
  });
  return builder.node('Transpose', `${name}/nhwc`, [conv], { perm: { ints: [0, 2, 3, 1] } });
}

/** centre = t · 0.1 · anchor size + anchor centre; size = exp(t · 0.2) · anchor size; corners = centre ∓ size / 2. */
function addBoxDecoder(b: GraphBuilder, weights: Weights, encodings: string): void {
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
  for (const [to, from] of indices.entries()) data.set(tensor.data.subarray(from * stride, (from + 1) * stride), to * stride);
  return { shape: [indices.length, ...rest], data };
}
