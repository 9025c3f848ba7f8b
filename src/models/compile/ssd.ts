import { GraphBuilder } from './builder.ts';
import { addConvolution, type Convolution, convFilter, depthwiseFilter, foldBatchNorm } from './conv.ts';
import {
  ANCHORS,
  addBoxDecoder,
  addBoxPredictor,
  addScorePredictor,
  type FeatureMap,
  type Network,
} from './ssd-heads.ts';
import type { Tensor } from './tensor.ts';
import { readWeights } from './weights.ts';

const INPUT_SIZE = 512;
const BATCH_NORM_EPSILON = 0.001;

/** Depthwise-separable blocks 1 to 13 of MobileNet v1: output channels, stride. */
const BACKBONE: readonly (readonly [channels: number, stride: 1 | 2])[] = [
  [64, 1],
  [128, 2],
  [128, 1],
  [256, 2],
  [256, 1],
  [512, 2],
  [512, 1],
  [512, 1],
  [512, 1],
  [512, 1],
  [512, 1],
  [1024, 2],
  [1024, 1],
];
/** The block whose output feeds the finest predictor. */
const FINEST_BLOCK = 11;

/** Convolutions that shrink the last feature map further. */
const EXTRA: readonly (readonly [kernel: 1 | 3, channels: number, stride: 1 | 2])[] = [
  [1, 256, 1],
  [3, 512, 2],
  [1, 128, 1],
  [3, 256, 2],
  [1, 128, 1],
  [3, 256, 2],
  [1, 64, 1],
  [3, 128, 2],
];

/**
 * Compiles face-api's SSD MobileNet v1 face detector to ONNX.
 *
 * Input `image`: float32 [1,3,512,512], RGB, normalised to −1…1 as `(value − 127.5) / 127.5`. face-api pads the
 * image with zeros, before the normalisation, at the right or bottom to a square.
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
  const net: Network = { builder: new GraphBuilder(), weights: readWeights(manifest, bin) };
  const { builder } = net;
  const boxes: string[] = [];
  const scores: string[] = [];
  for (const [i, map] of addFeatureMaps(net).entries()) {
    const anchors = i === 0 ? 3 : 6;
    boxes.push(addBoxPredictor(net, i, map, anchors));
    scores.push(addScorePredictor(net, i, map, anchors));
  }
  addBoxDecoder(net, builder.node('Concat', 'encodings', boxes, { axis: { int: 1 } }));
  builder.node('Sigmoid', 'scores', [builder.node('Concat', 'logits', scores, { axis: { int: 1 } })]);
  builder.output('boxes', 'float32', [1, ANCHORS, 4]);
  builder.output('scores', 'float32', [1, ANCHORS]);
  return builder.encode('ssd_mobilenetv1');
}

/** The six feature maps that carry predictors, finest first. */
function addFeatureMaps(net: Network): FeatureMap[] {
  const image = net.builder.input('image', 'float32', [1, 3, INPUT_SIZE, INPUT_SIZE]);
  const maps: FeatureMap[] = [];
  let x: FeatureMap = { name: image, channels: 3, size: INPUT_SIZE };
  x = addBiasedConv(net, 'MobilenetV1/Conv2d_0_pointwise', x, 3, 32, 2);
  for (const [i, [channels, stride]] of BACKBONE.entries()) {
    const block = i + 1;
    x = addDepthwiseConv(net, `MobilenetV1/Conv2d_${block}_depthwise`, x, stride);
    x = addBiasedConv(net, `MobilenetV1/Conv2d_${block}_pointwise`, x, 1, channels, 1);
    if (block === FINEST_BLOCK || block === BACKBONE.length) maps.push(x);
  }
  for (const [i, [kernel, channels, stride]] of EXTRA.entries()) {
    x = addBiasedConv(net, `Prediction/Conv2d_${i}_pointwise`, x, kernel, channels, stride);
    if (stride === 2) maps.push(x);
  }
  return maps;
}

/** Convolution whose normalisation was folded when the weights were published, then ReLU6. */
function addBiasedConv(
  net: Network,
  name: string,
  x: FeatureMap,
  kernel: number,
  channels: number,
  stride: number,
): FeatureMap {
  const filter = convFilter(net.weights.get(`${name}/weights`, [kernel, kernel, x.channels, channels]));
  const bias = net.weights.get(`${name}/convolution_bn_offset`, [channels]);
  return addConvRelu6(net, x, stride, { name, filter, bias });
}

function addDepthwiseConv(net: Network, name: string, x: FeatureMap, stride: number): FeatureMap {
  const statistic = (kind: string): Tensor => net.weights.get(`${name}/BatchNorm/${kind}`, [x.channels]);
  const stored = net.weights.get(`${name}/depthwise_weights`, [3, 3, x.channels, 1]);
  const folded = foldBatchNorm(depthwiseFilter(stored), {
    gamma: statistic('gamma'),
    beta: statistic('beta'),
    mean: statistic('moving_mean'),
    variance: statistic('moving_variance'),
    epsilon: BATCH_NORM_EPSILON,
  });
  return addConvRelu6(net, x, stride, { name, ...folded, groups: x.channels });
}

function addConvRelu6(
  { builder }: Network,
  x: FeatureMap,
  stride: number,
  weights: Pick<Convolution, 'name' | 'filter' | 'bias' | 'groups'>,
): FeatureMap {
  const geometry = { size: [x.size, x.size], strides: [stride, stride], padding: 'SAME' } as const;
  const conv = addConvolution(builder, { ...weights, ...geometry, input: x.name });
  const name = builder.node('Clip', `${conv}/relu6`, [conv, builder.scalar(0), builder.scalar(6)]);
  return { name, channels: weights.filter.shape[0] as number, size: Math.ceil(x.size / stride) };
}
