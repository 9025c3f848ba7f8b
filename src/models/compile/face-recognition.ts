import { GraphBuilder } from './builder.ts';
import { addConvolution, convFilter, type Padding } from './conv.ts';
import type { FeatureMap, Network } from './ssd-heads.ts';
import { sizeOf, type Tensor } from './tensor.ts';
import { readWeights } from './weights.ts';

const INPUT_SIZE = 150;
/** Values of a descriptor. */
const DESCRIPTOR = 128;

/** Residual blocks after the stem: name, output channels; those that end in `down` or `down_out` halve the size. */
const BLOCKS: readonly (readonly [name: string, channels: number])[] = [
  ['conv32_1', 32],
  ['conv32_2', 32],
  ['conv32_3', 32],
  ['conv64_down', 64],
  ['conv64_1', 64],
  ['conv64_2', 64],
  ['conv64_3', 64],
  ['conv128_down', 128],
  ['conv128_1', 128],
  ['conv128_2', 128],
  ['conv256_down', 256],
  ['conv256_1', 256],
  ['conv256_2', 256],
  ['conv256_down_out', 256],
];

/**
 * Compiles face-api's face recognition network to ONNX.
 *
 * Input `image`: float32 [1,3,150,150], RGB, `(value − mean) / 255` with the means 122.782, 117.001 and 104.298.
 * face-api pads the cut-out face with zeros, before the normalisation, on both sides to a square.
 * Output `descriptor`: float32 [1,128]; faces of one person lie within a Euclidean distance of about 0.6.
 *
 * Architecture: dlib's `dnn_face_recognition_resnet_model_v1` (King, 2017), a ResNet of 29 convolutions after He et al.,
 * Deep residual learning (2016). The scale after each convolution is folded into it.
 *
 * @param manifest parsed `face_recognition_model-weights_manifest.json`
 * @param bin `face_recognition_model.bin`
 * @throws ModelError when a weight is missing or has another shape, or `bin` has the wrong length
 */
export function compileFaceRecognition(manifest: unknown, bin: Uint8Array): Uint8Array {
  const net: Network = { builder: new GraphBuilder(), weights: readWeights(manifest, bin) };
  const { builder, weights } = net;
  const image = builder.input('image', 'float32', [1, 3, INPUT_SIZE, INPUT_SIZE]);
  let x = addStem(net, { name: image, channels: 3, size: INPUT_SIZE });
  for (const [name, channels] of BLOCKS) {
    x = /_down/.test(name) ? addHalvingBlock(net, name, x, channels) : addBlock(net, name, x);
  }
  const pooled = builder.node('GlobalAveragePool', 'pooled', [x.name]);
  const features = builder.node('Reshape', 'features', [pooled, builder.int64s([1, x.channels])]);
  const projection = builder.constant('fc', weights.get('fc', [x.channels, DESCRIPTOR]));
  builder.node('MatMul', 'descriptor', [features, projection]);
  builder.output('descriptor', 'float32', [1, DESCRIPTOR]);
  return builder.encode('face_recognition');
}

function addStem(net: Network, image: FeatureMap): FeatureMap {
  const conv = addConv(net, 'conv32_down', image, { kernel: 7, channels: 32, stride: 2, padding: 'VALID' });
  const relu = net.builder.node('Relu', 'conv32_down/relu', [conv.name]);
  const name = net.builder.node('MaxPool', 'conv32_down/pool', [relu], {
    kernel_shape: { ints: [3, 3] },
    strides: { ints: [2, 2] },
  });
  return { ...conv, name, size: Math.floor((conv.size - 3) / 2) + 1 };
}

function addBlock(net: Network, name: string, x: FeatureMap): FeatureMap {
  const { builder } = net;
  const same = { kernel: 3, channels: x.channels, stride: 1, padding: 'SAME' } as const;
  const first = addConv(net, `${name}/conv1`, x, same);
  const relu = builder.node('Relu', `${name}/conv1/relu`, [first.name]);
  const second = addConv(net, `${name}/conv2`, { ...first, name: relu }, same);
  const sum = builder.node('Add', `${name}/sum`, [second.name, x.name]);
  return { ...x, name: builder.node('Relu', `${name}/relu`, [sum]) };
}

/** The shortcut is the mean of 2 × 2; what it lacks in channels, and the branch in rows and columns, is zero. */
function addHalvingBlock(net: Network, name: string, x: FeatureMap, channels: number): FeatureMap {
  const { builder } = net;
  const first = addConv(net, `${name}/conv1`, x, { kernel: 3, channels, stride: 2, padding: 'VALID' });
  const relu = builder.node('Relu', `${name}/conv1/relu`, [first.name]);
  const second = addConv(
    net,
    `${name}/conv2`,
    { ...first, name: relu },
    { kernel: 3, channels, stride: 1, padding: 'SAME' },
  );
  const mean = builder.node('AveragePool', `${name}/mean`, [x.name], {
    kernel_shape: { ints: [2, 2] },
    strides: { ints: [2, 2] },
  });
  const size = Math.floor(x.size / 2);
  const branch = addPadding(net, `${name}/branch`, second.name, 0, size - second.size);
  const shortcut = addPadding(net, `${name}/shortcut`, mean, channels - x.channels, 0);
  const sum = builder.node('Add', `${name}/sum`, [branch, shortcut]);
  return { name: builder.node('Relu', `${name}/relu`, [sum]), channels, size };
}

/** Zeros after the last channel, and after the last row and column. */
function addPadding({ builder }: Network, name: string, input: string, channels: number, cells: number): string {
  if (channels === 0 && cells === 0) return input;
  return builder.node('Pad', name, [input, builder.int64s([0, 0, 0, 0, 0, channels, cells, cells])]);
}

interface ConvShape {
  readonly kernel: number;
  readonly channels: number;
  readonly stride: number;
  readonly padding: Padding;
}

/** Convolution with bias, then a scale and an offset by channel: (conv + bias) · scale + offset. */
function addConv({ builder, weights }: Network, name: string, x: FeatureMap, shape: ConvShape): FeatureMap {
  const { kernel, channels, stride, padding } = shape;
  const filter = convFilter(weights.get(`${name}/conv/filters`, [kernel, kernel, x.channels, channels]));
  const vector = (kind: string): Tensor['data'] => weights.get(`${name}/${kind}`, [channels]).data;
  const scale = vector('scale/weights');
  const offset = vector('scale/biases');
  const perChannel = sizeOf(filter.shape.slice(1));
  const bias = vector('conv/bias').map((value, c) => value * (scale[c] as number) + (offset[c] as number));
  const data = filter.data.map((value, i) => value * (scale[Math.floor(i / perChannel)] as number));
  const conv = addConvolution(builder, {
    name,
    input: x.name,
    size: [x.size, x.size],
    filter: { shape: filter.shape, data },
    bias: { shape: [channels], data: bias },
    strides: [stride, stride],
    padding,
  });
  const size = padding === 'SAME' ? Math.ceil(x.size / stride) : Math.floor((x.size - kernel) / stride) + 1;
  return { name: conv, channels, size };
}
