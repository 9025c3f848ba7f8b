/** Graphs of symbolic height and width: the same numbers as a graph made for that size, or a refusal. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { ModelError } from '../../../src/errors.ts';
import { compileGraph } from '../../../src/models/compile/graph.ts';
import { symbolicDim } from '../../../src/models/compile/size.ts';
import { type Array4, countNodes, difference, runOnnx, runTfjs, toNchw, useBackend } from './reference.ts';
import { attr, TinyGraph } from './tiny-graph.ts';

beforeAll(() => useBackend('cpu'));

const WINDOW = {
  dilations: attr.ints(1, 1, 1, 1),
  padding: attr.text('SAME'),
  data_format: attr.text('NHWC'),
};
const by = (stride: number): object => ({ ...WINDOW, strides: attr.ints(1, stride, stride, 1) });
const pool = (kernel: number, stride: number): object => ({ ...by(stride), ksize: attr.ints(1, kernel, kernel, 1) });
const VALID = { padding: attr.text('VALID') };

function values(size: number): number[] {
  return Array.from({ length: size }, (_, i) => Math.sin((i + 1) * 12.9898) * 3);
}

/** An image `x` with two channels, a 3×3 filter `f` for it, and what the case adds. */
type Build = (graph: TinyGraph, height: number, width: number) => TinyGraph;

function graphOf(build: Build, height: number, width: number): TinyGraph {
  const graph = new TinyGraph().input('x', [1, height, width, 2]).constant('f', [3, 3, 2, 2], values(36));
  return build(graph, height, width);
}

const accepted: readonly [string, Build][] = [
  ['strides of 2', (g) => g.node('a', 'Conv2D', ['x', 'f'], by(2)).node('y', 'Conv2D', ['a', 'f'], by(2))],
  ['a dilation', (g) => g.node('y', 'Conv2D', ['x', 'f'], { ...by(1), dilations: attr.ints(1, 2, 2, 1) })],
  [
    'a depthwise convolution',
    (g) => g.constant('d', [3, 3, 2, 1], values(18)).node('y', 'DepthwiseConv2dNative', ['x', 'd'], by(2)),
  ],
  ['windows that touch', (g) => g.node('y', 'MaxPool', ['x'], { ...pool(2, 2), ...VALID })],
  [
    'a peak search',
    (g) =>
      g
        .node('p', 'MaxPool', ['x'], pool(3, 1))
        .node('e', 'Equal', ['x', 'p'])
        .node('y', 'Cast', ['e'], { DstT: attr.type('float32') }),
  ],
  [
    'an attention',
    (g) =>
      g
        .constant('axes', [2], [1, 2], 'int32')
        .node('m', 'Mean', ['x', 'axes'], { keep_dims: attr.bool(true) })
        .node('y', 'Mul', ['x', 'm']),
  ],
  [
    'channels from two scales',
    (g, h, w) =>
      g
        .constant('size', [2], [h / 2, w / 2], 'int32')
        .constant('axis', [], [3], 'int32')
        .node('half', 'Conv2D', ['x', 'f'], by(2))
        .node('quarter', 'MaxPool', ['half'], pool(3, 2))
        .node('up', 'ResizeBilinear', ['quarter', 'size'])
        .node('y', 'ConcatV2', ['half', 'up', 'axis']),
  ],
  [
    'a larger output',
    (g, h, w) =>
      g
        .constant('size', [2], [h * 2, w * 4], 'int32')
        .node('y', 'ResizeBilinear', ['x', 'size'], { half_pixel_centers: attr.bool(true) }),
  ],
  [
    'numbers per channel',
    (g) => g.constant('c', [2], [0.5, -2]).node('s', 'AddV2', ['x', 'c']).node('y', 'Prelu', ['s', 'c']),
  ],
  ['a deferred product', (g) => g.constant('c', [], [3]).node('y', 'Mul', ['x', 'c'])],
];

describe.each(accepted)('%s', (_, build) => {
  test.each([
    [32, 32],
    [96, 64],
    [32, 160],
  ])('agrees with the graph made for %i×%i', async (height, width) => {
    const shape = [1, height, width, 2];
    const data = values(height * width * 2);
    const own = graphOf(build, height, width);
    const [expected] = await runTfjs(own.json, own.bin, { x: tf.tensor(data, shape) }, ['y']);
    const example = graphOf(build, 64, 128);
    const model = compileGraph(example.json, example.bin, { outputs: ['y'], dynamic: true });
    const [received] = await runOnnx(model, { x: { shape, data } }, ['y']);
    expect(countNodes(model, 'Transpose')).toBe(0);
    const { relative, text } = difference(toNchw(expected as Array4), received as Array4);
    expect(relative, text).toBeLessThan(1e-5);
  });
});

test('what does not depend on the size is returned as ever', async () => {
  const build: Build = (g) => g.constant('axes', [2], [1, 2], 'int32').node('y', 'Mean', ['x', 'axes']);
  const graph = graphOf(build, 32, 32);
  const model = compileGraph(graph.json, graph.bin, { outputs: ['y'], dynamic: true });
  const data = Array.from({ length: 64 * 32 * 2 }, (_, i) => i % 2);
  expect(await runOnnx(model, { x: { shape: [1, 64, 32, 2], data } }, ['y'])).toEqual([
    { shape: [1, 2], data: [0, 1] },
  ]);
});

test.each([
  [32, 'height'],
  [8, 'height/4'],
  [1, 'height/32'],
  [64, 'height*2'],
  [12, 'height*12/32'],
  [48, 'height*48/32'],
] as const)('%i cells per 32 pixels are called %s', (cells, name) => {
  expect(symbolicDim('height', cells)).toBe(name);
});

describe('refusals', () => {
  const size = (height: number, width: number) => (g: TinyGraph) => g.constant('size', [2], [height, width], 'int32');
  const cases: [string, string, Build, string][] = [
    [
      'a reshape',
      'y (Reshape)',
      (g) => g.constant('s', [2], [1, -1], 'int32').node('y', 'Reshape', ['x', 's']),
      'Reshape of x',
    ],
    [
      'the best cells',
      'y (TopKV2)',
      (g) => g.constant('k', [], [1], 'int32').node('y', 'TopKV2', ['x', 'k']),
      'TopKV2 of x',
    ],
    ['a softmax', 'y (Softmax)', (g) => g.node('a', 'Relu', ['x']).node('y', 'Softmax', ['a']), 'Softmax of a'],
    [
      'a border that is left out',
      'y (Conv2D)',
      (g) => g.node('y', 'Conv2D', ['x', 'f'], { ...by(1), ...VALID }),
      '62×62 places on 64×64 with strides 1,1',
    ],
    [
      'strides of 3',
      'y (Conv2D)',
      (g) => g.node('y', 'Conv2D', ['x', 'f'], by(3)),
      '22×22 places on 64×64 with strides 3,3',
    ],
    [
      'strides that leave a rest of 32',
      'y (MaxPool)',
      (g) => g.node('y', 'MaxPool', ['x'], pool(64, 64)),
      '1×1 places on 64×64 with strides 64,64',
    ],
    [
      'a scaling to odd sizes',
      'y (ResizeBilinear)',
      (g) => size(65, 64)(g).node('y', 'ResizeBilinear', ['x', 'size']),
      'factors 1.015625×1 on 64×64',
    ],
    [
      'a scaling that float32 cannot hold',
      'y (ResizeBilinear)',
      (g) =>
        size(
          6,
          64,
        )(g)
          .constant('third', [2], [2, 64], 'int32')
          .node('a', 'ResizeBilinear', ['x', 'size'])
          .node('y', 'ResizeBilinear', ['a', 'third']),
      'factors 0.3333333333333333×1 on 6×64',
    ],
    [
      'numbers per cell',
      'y (AddV2)',
      (g) => g.constant('c', [1, 64, 64, 1], values(4096)).node('y', 'AddV2', ['x', 'c']),
      'c of [1,64,64,1]',
    ],
    [
      'slopes per cell',
      'y (Prelu)',
      (g) => g.constant('c', [64, 64, 2], values(8192)).node('y', 'Prelu', ['x', 'c']),
      'c of [64,64,2]',
    ],
    [
      'a mean over channels',
      'y (Mean)',
      (g) => g.constant('axes', [1], [3], 'int32').node('y', 'Mean', ['x', 'axes']),
      'a mean over axes 3',
    ],
    [
      'parts side by side',
      'y (ConcatV2)',
      (g) => g.constant('axis', [], [2], 'int32').node('y', 'ConcatV2', ['x', 'x', 'axis']),
      'parts along axis 2',
    ],
  ];
  test.each(cases)('%s', (_, node, build, received) => {
    const graph = graphOf(build, 64, 64);
    const compile = (dynamic: boolean): Uint8Array => compileGraph(graph.json, graph.bin, { outputs: ['y'], dynamic });
    expect(() => compile(false)).not.toThrow();
    expect(() => compile(true)).toThrow(ModelError);
    const every = 'every height and width that are multiples of 32';
    expect(() => compile(true)).toThrow(
      `Node ${node}: expected an operation that is the same for ${every} but received ${received}`,
    );
  });

  test('cells of different size that the example cannot tell apart', () => {
    const build: Build = (g) => g.node('p', 'MaxPool', ['x'], pool(32, 32)).node('y', 'AddV2', ['x', 'p']);
    const graph = graphOf(build, 32, 32);
    const compile = (): Uint8Array => compileGraph(graph.json, graph.bin, { outputs: ['y'], dynamic: true });
    expect(compile).toThrow('Node y (AddV2): expected an operation that is the same for every height and width');
    expect(compile).toThrow('but received p of [1,1,1,2]');
  });

  test.each([
    ['a size with a rest', new TinyGraph().input('x', [1, 64, 40, 3]), 'but received float32 of [1,64,40,3]'],
    ['no image', new TinyGraph().input('x', [1, 64]), 'but received float32 of [1,64]'],
    ['whole numbers', new TinyGraph().input('x', [1, 64, 64, 3], 'int32'), 'but received int32 of [1,64,64,3]'],
  ])('%s', (_, graph, received) => {
    graph.node('y', 'Relu', ['x']);
    const compile = (): Uint8Array => compileGraph(graph.json, graph.bin, { outputs: ['y'], dynamic: true });
    const expected = 'an image of float32 with height and width that are multiples of 32';
    expect(compile).toThrow(new ModelError(`Node x (Placeholder): expected ${expected} ${received}`));
  });

  test.each([
    [
      'two inputs',
      new TinyGraph().input('a', [1, 32, 32, 1]).input('b', [1, 32, 32, 1]).node('y', 'Add', ['a', 'b']),
      'a, b',
    ],
    ['no input', new TinyGraph().constant('c', [1], [1]).node('y', 'Relu', ['c']), 'none'],
  ])('%s', (_, graph, received) => {
    const compile = (): Uint8Array => compileGraph(graph.json, graph.bin, { outputs: ['y'], dynamic: true });
    expect(compile).toThrow(new ModelError(`Expected one input of a graph of dynamic size but received ${received}`));
  });
});
