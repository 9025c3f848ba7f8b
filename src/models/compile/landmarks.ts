import { GraphBuilder } from './builder.ts';
import { addConvolution, convFilter, depthwiseFilter } from './conv.ts';
import { readWeights, type Weights } from './weights.ts';

const INPUT_SIZE = 112;
const COORDINATES = 136;

/** Channels of the four blocks. Each halves the resolution. */
const BLOCKS = [32, 64, 128, 256] as const;

/** Square NCHW activations. */
interface FeatureMap {
  readonly name: string;
  readonly channels: number;
  /** Side in cells. */
  readonly size: number;
}

interface Network {
  readonly builder: GraphBuilder;
  readonly weights: Weights;
}

/**
 * Compiles face-api's 68-landmark network to ONNX.
 *
 * Input `image`: float32 [1,3,112,112], RGB, normalised as `(value − mean) / 255` with mean 122.782, 117.001, 104.298:
 * a square around the face, padded with zeros before the normalisation where it leaves the photograph.
 * Output `landmarks`: float32 [1,136], x and y of each point in turn as fractions of the input's side, in the order of
 * iBUG 300-W.
 *
 * Four dense blocks (Huang et al., 2017, with sums for concatenations) of depthwise separable convolutions, a mean over
 * all positions, and one linear layer.
 *
 * @param manifest parsed `face_landmark_68_model-weights_manifest.json`
 * @param bin `face_landmark_68_model.bin`
 * @throws ModelError when a weight is missing or has another shape, or `bin` has the wrong length
 */
export function compileLandmarks(manifest: unknown, bin: Uint8Array): Uint8Array {
  const net: Network = { builder: new GraphBuilder(), weights: readWeights(manifest, bin) };
  const { builder, weights } = net;
  const image = builder.input('image', 'float32', [1, 3, INPUT_SIZE, INPUT_SIZE]);
  let x: FeatureMap = { name: image, channels: 3, size: INPUT_SIZE };
  for (const [i, channels] of BLOCKS.entries()) x = addDenseBlock(net, `dense${i}`, x, channels);
  const pooled = builder.node('GlobalAveragePool', 'pooled', [x.name]);
  const flat = builder.node('Flatten', 'features', [pooled], { axis: { int: 1 } });
  const matrix = builder.constant('fc/weights', weights.get('fc/weights', [x.channels, COORDINATES]));
  const bias = builder.constant('fc/bias', weights.get('fc/bias', [COORDINATES]));
  builder.node('Gemm', 'landmarks', [flat, matrix, bias]);
  builder.output('landmarks', 'float32', [1, COORDINATES]);
  return builder.encode('face_landmark_68');
}

/** Every convolution sees the rectified sum of all before it; the block returns that of all four. */
function addDenseBlock(net: Network, name: string, x: FeatureMap, channels: number): FeatureMap {
  const { builder } = net;
  const relu = (value: string): string => builder.node('Relu', `${value}/relu`, [value]);
  const first = `${name}/conv0`;
  const halved = x.channels === 3 ? addConv(net, first, x, channels) : addSeparableConv(net, first, x, channels, 2);
  let sum = relu(halved);
  let features: FeatureMap = { name: sum, channels, size: x.size / 2 };
  for (const conv of [1, 2, 3]) {
    const added = addSeparableConv(net, `${name}/conv${conv}`, features, channels, 1);
    sum = builder.node('Add', `${name}/sum${conv}`, [sum, added]);
    features = { ...features, name: relu(sum) };
  }
  return features;
}

function addConv({ builder, weights }: Network, name: string, x: FeatureMap, channels: number): string {
  return addConvolution(builder, {
    name,
    input: x.name,
    size: [x.size, x.size],
    filter: convFilter(weights.get(`${name}/filters`, [3, 3, x.channels, channels])),
    bias: weights.get(`${name}/bias`, [channels]),
    strides: [2, 2],
    padding: 'SAME',
  });
}

function addSeparableConv(
  { builder, weights }: Network,
  name: string,
  x: FeatureMap,
  channels: number,
  stride: number,
): string {
  const depthwise = addConvolution(builder, {
    name: `${name}/depthwise`,
    input: x.name,
    size: [x.size, x.size],
    filter: depthwiseFilter(weights.get(`${name}/depthwise_filter`, [3, 3, x.channels, 1])),
    groups: x.channels,
    strides: [stride, stride],
    padding: 'SAME',
  });
  return addConvolution(builder, {
    name: `${name}/pointwise`,
    input: depthwise,
    size: [x.size / stride, x.size / stride],
    filter: convFilter(weights.get(`${name}/pointwise_filter`, [1, 1, x.channels, channels])),
    bias: weights.get(`${name}/bias`, [channels]),
    strides: [1, 1],
    padding: 'SAME',
  });
}
