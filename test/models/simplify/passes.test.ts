import { describe, expect, it } from 'vitest';
import type { Attributes, OnnxGraph } from '../../../src/models/compile/onnx.ts';
import { averageBeforeExpansion } from '../../../src/models/simplify/average.ts';
import { dropUnused } from '../../../src/models/simplify/drop-unused.ts';
import { foldIntoConsumers } from '../../../src/models/simplify/fold-into-consumers.ts';
import { foldIntoProducers } from '../../../src/models/simplify/fold-into-producers.ts';
import { convolveBeforeGatedExpansion } from '../../../src/models/simplify/gated-expansion.ts';
import { fuseHardSwish } from '../../../src/models/simplify/hard-swish.ts';
import { takeOneImage } from '../../../src/models/simplify/one-image.ts';
import { factorResidualGates } from '../../../src/models/simplify/residual-gate.ts';
import { lowerTransposed } from '../../../src/models/simplify/transposed.ts';
import { convolveBeforeUpsampling } from '../../../src/models/simplify/upsampled.ts';
import { graphDifference, Sketch, values } from './graphs.ts';

type Pass = (graph: OnnxGraph) => OnnxGraph;
const ints = (...list: number[]) => ({ ints: list });
const PAD1 = { pads: ints(1, 1, 1, 1) };
const STRIDE2 = { strides: ints(2, 2) };

/** BatchNormalization of `channels`. */
const normalize = (sketch: Sketch, input: string, output: string, channels: number) =>
  sketch
    .constant('s', [channels], values(channels, 3))
    .constant('o', [channels], values(channels, 4))
    .constant('m', [channels], values(channels, 5))
    .constant('v', [channels], values(channels, 6).map(Math.abs))
    .node('BatchNormalization', [input, 's', 'o', 'm', 'v'], output, { epsilon: { float: 0.01 } });

const transposed = (sketch: Sketch, input: string, output: string, [from, to, size]: number[], attributes = {}) =>
  sketch
    .constant(
      `${output}.w`,
      [from ?? 0, to ?? 0, size ?? 0, size ?? 0],
      values((from ?? 0) * (to ?? 0) * (size ?? 0) ** 2),
    )
    .constant(`${output}.b`, [to ?? 0], values(to ?? 0, 9))
    .node('ConvTranspose', [input, `${output}.w`, `${output}.b`], output, {
      strides: ints(size ?? 0, size ?? 0),
      ...attributes,
    });

/** A 3×3 convolution over `a` and over `b` at half of its resolution, repeated. */
const pyramid = (attributes: Attributes, patch: (sketch: Sketch) => Sketch = (s) => s.repeat('b', 'r', 2)) =>
  patch(new Sketch().conv('x', 'a', [3, 2, 1, 1]).conv('x', 'b', [4, 2, 2, 2], STRIDE2))
    .node('Concat', ['r', 'a'], 'k', { axis: { int: 1 } })
    .conv('k', 'y', [5, 7, 3, 3], attributes);

/** A 3×3 convolution over gated channels, expanded from two, and over repeated pixels. */
const gatedPyramid = (bias: number, expand = 8) =>
  new Sketch()
    .conv('x', 'few', [2, 2, 1, 1])
    .constant('e.w', [expand, 2, 1, 1], values(expand * 2, 31))
    .constant('e.b', [expand], Array(expand).fill(bias))
    .node('Conv', ['few', 'e.w', 'e.b'], 'e')
    .gate('e', 'g', expand)
    .node('Mul', ['e', 'g'], 'p')
    .conv('x', 'b', [expand, 2, 2, 2], STRIDE2)
    .repeat('b', 'r', 2)
    .node('Add', ['p', 'r'], 'k')
    .conv('k', 'y', [3, expand, 3, 3], PAD1);

const fires: readonly (readonly [string, Pass, OnnxGraph, string])[] = [
  [
    'a scalar affine into the convolution before',
    foldIntoProducers,
    new Sketch().conv('x', 'a', [3, 2, 3, 3], PAD1).affine('a', 'y').graph(),
    'Conv',
  ],
  [
    'an affine per channel into a grouped convolution',
    foldIntoProducers,
    new Sketch()
      .conv('x', 'a', [4, 1, 3, 3], { group: { int: 2 } })
      .constant('f', [1, 4, 1, 1], values(4))
      .constant('c', [4, 1, 1], values(4, 5))
      .node('Mul', ['a', 'f'], 'm')
      .node('Add', ['c', 'm'], 'y')
      .graph(),
    'Conv',
  ],
  [
    'a batch normalisation and a scalar',
    foldIntoProducers,
    normalize(new Sketch().conv('x', 'a', [3, 2, 1, 1]), 'a', 'n', 3)
      .scalar('f', 3)
      .node('Mul', ['n', 'f'], 'y')
      .graph(),
    'Conv',
  ],
  [
    'a batch normalisation into a transposed convolution',
    foldIntoProducers,
    normalize(transposed(new Sketch(), 'x', 'a', [2, 3, 2]), 'a', 'y', 3).graph(),
    'ConvTranspose',
  ],
  ['a hardswish', fuseHardSwish, new Sketch().hardSwish('x', 'y').graph(), 'HardSigmoid Mul'],
  [
    'an affine into an unpadded convolution after it',
    foldIntoConsumers,
    new Sketch()
      .conv('x', 'a', [4, 2, 1, 1])
      .node('Relu', ['a'], 'r')
      .affine('r', 'b')
      .conv('b', 'y', [3, 4, 3, 3])
      .graph(),
    'Conv Relu Conv',
  ],
  [
    'the factor alone into a padded one',
    foldIntoConsumers,
    new Sketch()
      .conv('x', 'a', [4, 2, 1, 1])
      .node('Relu', ['a'], 'r')
      .affine('r', 'b')
      .conv('b', 'y', [4, 1, 3, 3], { ...PAD1, group: { int: 4 } })
      .graph(),
    'Conv Relu Add Conv',
  ],
  [
    'an affine into two convolutions, padded and not',
    foldIntoConsumers,
    new Sketch()
      .conv('x', 'a', [4, 2, 1, 1])
      .constant('f', [1, 4, 1, 1], [1, -2, 0.5, 3])
      .constant('c', [1, 4, 1, 1], values(4, 5))
      .node('Mul', ['a', 'f'], 'm')
      .node('Add', ['m', 'c'], 'b')
      .conv('b', 'y', [3, 4, 1, 1])
      .conv('b', 'z', [4, 2, 3, 3], { ...PAD1, group: { int: 2 } })
      .graph(2, ['y', 'z']),
    'Conv Add Conv Conv',
  ],
  [
    'a residual gate',
    factorResidualGates,
    new Sketch().gate('x', 'g', 2).node('Mul', ['g', 'x'], 'p').node('Add', ['x', 'p'], 'y').graph(),
    'GlobalAveragePool Conv HardSigmoid Add Mul',
  ],
  [
    'an average of more channels than it comes from',
    averageBeforeExpansion,
    new Sketch().conv('x', 'a', [5, 2, 1, 1]).node('GlobalAveragePool', ['a'], 'y').graph(),
    'Conv GlobalAveragePool Conv',
  ],
  [
    'transposed convolutions with activations',
    lowerTransposed,
    transposed(transposed(new Sketch(), 'x', 'a', [2, 8, 2]).node('Relu', ['a'], 'r'), 'r', 'b', [8, 2, 2])
      .node('Sigmoid', ['b'], 'y')
      .graph(),
    'Conv Relu Conv Sigmoid DepthToSpace',
  ],
  [
    'a transposed convolution to more channels than before',
    lowerTransposed,
    transposed(transposed(new Sketch(), 'x', 'a', [2, 3, 2]), 'a', 'y', [3, 4, 3]).graph(),
    'Conv DepthToSpace Conv DepthToSpace',
  ],
  [
    'a convolution over repeated and other pixels',
    convolveBeforeUpsampling,
    pyramid(PAD1).graph(),
    'Conv Conv Resize Concat Conv DepthToSpace Slice Conv Add',
  ],
  [
    'a convolution over pixels repeated by 4, 2 and not at all',
    convolveBeforeUpsampling,
    new Sketch()
      .conv('x', 'a', [1, 2, 1, 1])
      .conv('x', 'b', [2, 2, 2, 2], STRIDE2)
      .conv('x', 'q', [3, 2, 4, 4], { strides: ints(4, 4) })
      .repeat('b', 'rb', 2)
      .repeat('q', 'rq', 4)
      .node('Concat', ['rq', 'a', 'rb'], 'k', { axis: { int: 1 } })
      .conv('k', 'y', [5, 6, 3, 3], PAD1)
      .graph(),
    'Conv Conv Conv Resize Resize Concat Resize Concat Conv DepthToSpace Slice Conv Add',
  ],
  [
    'a convolution over gated expanded channels and repeated pixels',
    convolveBeforeGatedExpansion,
    gatedPyramid(0).graph(),
    'Conv Conv GlobalAveragePool Conv HardSigmoid Mul Conv Resize Add Conv DepthToSpace Slice Reshape Mul MatMul Reshape Transpose Conv Add',
  ],
  [
    'nodes and constants that are not used',
    dropUnused,
    new Sketch().scalar('c', 1).node('Relu', ['x'], 'y').node('Add', ['x', 'c'], 'z').node('Relu', ['z'], 'w').graph(),
    'Relu',
  ],
  ['an open number of images', takeOneImage, new Sketch().node('Relu', ['x'], 'y').graph(2, ['y'], 'n'), 'Relu'],
];

const keeps: readonly (readonly [string, Pass, OnnxGraph])[] = [
  [
    'an affine after a convolution with another user',
    foldIntoProducers,
    new Sketch()
      .conv('x', 'a', [3, 2, 1, 1])
      .affine('a', 'b')
      .node('Relu', ['a'], 'r')
      .node('Add', ['b', 'r'], 'y')
      .graph(),
  ],
  [
    'an affine of a value that is returned, too',
    foldIntoProducers,
    new Sketch().conv('x', 'a', [3, 2, 1, 1]).affine('a', 'y').graph(2, ['y', 'a']),
  ],
  [
    'a constant per pixel',
    foldIntoProducers,
    new Sketch()
      .conv('x', 'a', [3, 2, 1, 1])
      .constant('f', [1, 1, 1, 12], values(12))
      .node('Mul', ['a', 'f'], 'y')
      .graph(),
  ],
  [
    'a constant that adds channels',
    foldIntoProducers,
    new Sketch()
      .conv('x', 'a', [1, 2, 1, 1])
      .constant('f', [1, 3, 1, 1], values(3))
      .node('Mul', ['a', 'f'], 'y')
      .graph(),
  ],
  [
    'a constant that adds a dimension',
    foldIntoProducers,
    new Sketch().conv('x', 'a', [3, 2, 1, 1]).constant('f', [1, 1, 1, 1, 1], [2]).node('Mul', ['a', 'f'], 'y').graph(),
  ],
  [
    'a factor that is computed',
    foldIntoProducers,
    new Sketch().conv('x', 'a', [2, 2, 1, 1]).gate('x', 'g', 2).node('Mul', ['a', 'g'], 'y').graph(),
  ],
  ['a square', foldIntoProducers, new Sketch().conv('x', 'a', [2, 2, 1, 1]).node('Mul', ['a', 'a'], 'y').graph()],
  ...[
    [4, 0, 6, 6],
    [3, -1, 6, 6],
    [3, 0, 5, 6],
    [3, 0, 6, 3],
  ].map((numbers): readonly [string, Pass, OnnxGraph] => [
    `a hardswish with ${numbers.join(', ')}`,
    fuseHardSwish,
    new Sketch().hardSwish('x', 'y', numbers).graph(),
  ]),
  ['a hardswish of which a part is returned', fuseHardSwish, new Sketch().hardSwish('x', 'y').graph(2, ['y', 'y.l'])],
  [
    'a gate of another value',
    fuseHardSwish,
    new Sketch()
      .node('Relu', ['x'], 'r')
      .scalar('three', 3)
      .scalar('zero', 0)
      .scalar('six', 6)
      .node('Add', ['x', 'three'], 'a')
      .node('Clip', ['a', 'zero', 'six'], 'l')
      .node('Mul', ['r', 'l'], 'p')
      .node('Div', ['p', 'six'], 'y')
      .graph(),
  ],
  [
    'an affine that something else uses, too',
    foldIntoConsumers,
    new Sketch()
      .conv('x', 'a', [2, 2, 1, 1])
      .affine('a', 'b')
      .conv('b', 'c', [2, 2, 1, 1])
      .node('Add', ['b', 'c'], 'y')
      .graph(),
  ],
  [
    'an offset alone before a padded convolution',
    foldIntoConsumers,
    new Sketch()
      .conv('x', 'a', [2, 2, 1, 1])
      .scalar('c', 2)
      .node('Add', ['a', 'c'], 'b')
      .conv('b', 'y', [2, 2, 3, 3], PAD1)
      .graph(),
  ],
  [
    'a factor of 0 with an offset before a padded convolution',
    foldIntoConsumers,
    new Sketch().conv('x', 'a', [2, 2, 1, 1]).affine('a', 'b', 0).conv('b', 'y', [2, 2, 3, 3], PAD1).graph(),
  ],
  [
    'an affine before a convolution that pads by itself',
    foldIntoConsumers,
    new Sketch()
      .conv('x', 'a', [2, 2, 1, 1])
      .scalar('c', 2)
      .node('Add', ['a', 'c'], 'b')
      .conv('b', 'y', [2, 2, 3, 3], { auto_pad: { string: 'SAME_UPPER' } })
      .graph(),
  ],
  [
    'an affine of a value with fewer channels than the constant',
    foldIntoConsumers,
    new Sketch()
      .conv('x', 'a', [1, 2, 1, 1])
      .constant('f', [1, 3, 1, 1], values(3))
      .node('Mul', ['a', 'f'], 'b')
      .conv('b', 'y', [2, 3, 1, 1])
      .graph(),
  ],
  [
    'a factor that overflows',
    foldIntoProducers,
    new Sketch()
      .conv('x', 'a', [2, 2, 1, 1])
      .scalar('f', 3e38)
      .node('Mul', ['a', 'f'], 'b')
      .node('Mul', ['b', 'f'], 'y')
      .graph(),
  ],
  [
    'a residual gate of every pixel',
    factorResidualGates,
    new Sketch().node('Sigmoid', ['x'], 'g').node('Mul', ['x', 'g'], 'p').node('Add', ['x', 'p'], 'y').graph(),
  ],
  [
    'a gate added to something else',
    factorResidualGates,
    new Sketch()
      .gate('x', 'g', 2)
      .node('Relu', ['x'], 'r')
      .node('Mul', ['x', 'g'], 'p')
      .node('Add', ['r', 'p'], 'y')
      .graph(),
  ],
  [
    'an average after a 3×3 convolution',
    averageBeforeExpansion,
    new Sketch().conv('x', 'a', [5, 2, 3, 3], PAD1).node('GlobalAveragePool', ['a'], 'y').graph(),
  ],
  [
    'an average of fewer channels than it comes from',
    averageBeforeExpansion,
    new Sketch().conv('x', 'a', [1, 2, 1, 1]).node('GlobalAveragePool', ['a'], 'y').graph(),
  ],
  ...[{ strides: ints(1, 1) }, { pads: ints(1, 1, 1, 1) }, { output_padding: ints(1, 1) }].map(
    (attributes): readonly [string, Pass, OnnxGraph] => [
      `a transposed convolution with ${JSON.stringify(attributes)}`,
      lowerTransposed,
      transposed(new Sketch(), 'x', 'y', [2, 3, 2], attributes).graph(),
    ],
  ),
  ['a convolution without padding', convolveBeforeUpsampling, pyramid({}).graph()],
  ['a convolution with a stride', convolveBeforeUpsampling, pyramid({ ...PAD1, ...STRIDE2 }).graph()],
  [
    'pixels that are interpolated',
    convolveBeforeUpsampling,
    pyramid(PAD1, (s) => s.repeat('b', 'r', 2, 'linear')).graph(),
  ],
  ['a concatenation that is returned', convolveBeforeUpsampling, pyramid(PAD1).graph(2, ['y', 'k'])],
  ['an expansion with a bias', convolveBeforeGatedExpansion, gatedPyramid(0.5).graph()],
  ['an expansion to less than four times as many', convolveBeforeGatedExpansion, gatedPyramid(0, 6).graph()],
  ['an open number of images', convolveBeforeGatedExpansion, gatedPyramid(0).graph(2, ['y'], 'n')],
];

const operators = (graph: OnnxGraph) => graph.nodes.map((node) => node.opType).join(' ');

describe('a pass rewrites', () => {
  it.each(fires)('%s', async (_, pass, graph, expected) => {
    const before = structuredClone(graph);
    const simpler = pass(graph);
    expect(operators(simpler)).toBe(expected);
    expect(graph).toEqual(before);
    expect(await graphDifference(graph, simpler)).toBeLessThan(1e-6);
  });
});

describe('a pass leaves alone', () => {
  it.each(keeps)('%s', (_, pass, graph) => {
    expect(operators(pass(graph))).toBe(operators(graph));
    expect(pass(graph).nodes).toEqual(graph.nodes);
  });
});

it('an open number of images becomes one, and a fixed one stays', () => {
  const graph = new Sketch().node('Relu', ['x'], 'y').graph(2, ['y'], 'n');
  expect(takeOneImage(graph).inputs[0]?.dims).toEqual([1, 2, 'height', 'width']);
  const two = { ...graph, inputs: [{ name: 'x', type: 'float32' as const, dims: [2, 2, 8, 12] }] };
  expect(takeOneImage(two)).toEqual(two);
});
