import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { compileGraph } from '../../../src/models/compile/graph.ts';
import { type Array4, countNodes, difference, runOnnx, runTfjs, useBackend } from './reference.ts';
import { attr, TinyGraph } from './tiny-graph.ts';

beforeAll(() => useBackend('cpu'));

/** Reproducible values in −3…3, none of them repeated soon. */
function values(shape: readonly number[], seed = 1): number[] {
  const size = shape.reduce((product, dim) => product * dim, 1);
  return Array.from({ length: size }, (_, i) => Math.sin((i + 1) * seed * 12.9898) * 3);
}

interface Feed extends Array4 {
  readonly dtype?: 'float32' | 'int32';
}

/** Runs the graph in tfjs and compiled, and compares every output; returns the compiled model. */
async function expectParity(graph: TinyGraph, feeds: Record<string, Feed>, outputs: string[]): Promise<Uint8Array> {
  const tensors = Object.entries(feeds).map(([name, { shape, data, dtype }]) => {
    return [name, tf.tensor(Array.from(data), [...shape], dtype ?? 'float32')] as const;
  });
  const expected = await runTfjs(graph.json, graph.bin, Object.fromEntries(tensors), outputs);
  const model = compileGraph(graph.json, graph.bin, { outputs });
  const received = await runOnnx(model, feeds, outputs);
  for (const [i, name] of outputs.entries()) {
    const { relative, text } = difference(expected[i] as Array4, received[i] as Array4);
    expect(relative, `${name}: ${text}`).toBeLessThan(1e-5);
  }
  return model;
}

function feed(shape: readonly number[], seed = 1): Feed {
  return { shape, data: values(shape, seed) };
}

const IMAGE = [1, 4, 5, 3];
const SAME = {
  strides: attr.ints(1, 1, 1, 1),
  dilations: attr.ints(1, 1, 1, 1),
  padding: attr.text('SAME'),
  data_format: attr.text('NHWC'),
};

/** An image that went through a convolution and therefore lies in memory as NCHW: `x` [1,4,5,3]. */
function convolved(): TinyGraph {
  return new TinyGraph()
    .input('image', IMAGE)
    .constant('filter', [1, 1, 3, 3], values([9], 2))
    .node('x', 'Conv2D', ['image', 'filter'], SAME);
}

describe('convolutions', () => {
  test('any kernel, stride, dilation and padding, dense and depthwise, agrees', async () => {
    const side = fc.integer({ min: 5, max: 9 });
    const small = fc.integer({ min: 1, max: 3 });
    const geometry = fc.record({
      height: side,
      width: side,
      channels: small,
      outputs: small,
      kernel: fc.tuple(small, small),
      // tfjs refuses a stride together with a dilation.
      steps: fc.oneof(fc.record({ stride: small, dilation: fc.constant(1) }), fc.constant({ stride: 1, dilation: 2 })),
      padding: fc.constantFrom('SAME', 'VALID'),
      depthwise: fc.boolean(),
      fused: fc.constantFrom<string[]>(
        [],
        ['BiasAdd'],
        ['BiasAdd', 'Relu'],
        ['BiasAdd', 'Relu6'],
        ['BiasAdd', 'Prelu'],
      ),
    });
    await fc.assert(
      fc.asyncProperty(
        geometry,
        async ({ height, width, channels, outputs, kernel, steps, padding, depthwise, fused }) => {
          const filter = [...kernel, channels, outputs];
          const depth = depthwise ? channels * outputs : outputs;
          const graph = new TinyGraph()
            .input('image', [1, height, width, channels])
            .constant('w', filter, values(filter));
          const parameters = [
            ['bias', [depth]],
            ['alpha', [1, 1, depth]],
          ] as const;
          for (const [i, [name, shape]] of parameters.entries()) graph.constant(name, shape, values(shape, i + 2));
          const plain = depthwise ? 'DepthwiseConv2dNative' : 'Conv2D';
          const fusedOp = depthwise ? 'FusedDepthwiseConv2dNative' : '_FusedConv2D';
          const extra = fused.length === 0 ? [] : fused.includes('Prelu') ? ['bias', 'alpha'] : ['bias'];
          graph.node('y', fused.length === 0 ? plain : fusedOp, ['image', 'w', ...extra], {
            strides: attr.ints(1, steps.stride, steps.stride, 1),
            dilations: attr.ints(1, steps.dilation, steps.dilation, 1),
            padding: attr.text(padding),
            data_format: attr.text('NHWC'),
            num_args: attr.int(extra.length),
            ...(fused.length > 0 && { fused_ops: attr.texts(...fused) }),
          });
          await expectParity(graph, { image: feed([1, height, width, channels]) }, ['y']);
        },
      ),
      { numRuns: 60 },
    );
  });

  test.each([
    ['SAME', [1, 5, 4, 3], 2],
    ['SAME', [1, 4, 7, 3], 3],
    ['VALID', [1, 5, 5, 3], 2],
  ])('max pooling: padding %s of %j, stride %i', async (padding, shape, stride) => {
    const graph = new TinyGraph().input('image', shape).node('y', 'MaxPool', ['image'], {
      ksize: attr.ints(1, 3, 2, 1),
      strides: attr.ints(1, stride, stride, 1),
      padding: attr.text(padding),
    });
    await expectParity(graph, { image: feed(shape) }, ['y']);
  });

  test.each([
    [false, false],
    [false, true],
    [true, false],
  ])('bilinear resize: align_corners %s, half_pixel_centers %s', async (corners, centers) => {
    const graph = convolved()
      .constant('size', [2], [9, 7], 'int32')
      .node('y', 'ResizeBilinear', ['x', 'size'], {
        align_corners: attr.bool(corners),
        half_pixel_centers: attr.bool(centers),
      });
    await expectParity(graph, { image: feed(IMAGE) }, ['y']);
  });
});

describe('layouts', () => {
  const shapes = [[], [1], [3], [1, 3], [5, 3], [5, 1], [4, 5, 3], [4, 1, 1], [1, 1, 1, 3], [1, 4, 5, 3], [1, 4, 1, 1]];

  test.each(shapes.flatMap((shape) => ['AddV2', 'Mul', 'Sub', 'Maximum'].map((op) => [op, shape] as const)))(
    '%s of an NCHW value and a constant or input of shape %j',
    async (op, shape) => {
      const graph = convolved().constant('c', shape, values(shape, 3)).input('z', shape);
      graph.node('right', op, ['x', 'c']).node('left', op, ['c', 'x']).node('both', op, ['x', 'z']);
      // A rank-4 input is fed as NCHW, lower ranks as they are: both must meet `x` correctly.
      await expectParity(graph, { image: feed(IMAGE), z: feed(shape, 5) }, ['right', 'left', 'both']);
    },
  );

  test('a value that several consumers want in NHWC is transposed once', async () => {
    const graph = convolved().constant('flat', [2], [1, -1], 'int32').constant('axis', [], [-1], 'int32');
    graph.node('a', 'Reshape', ['x', 'flat']).node('b', 'ArgMax', ['x', 'axis']).node('c', 'Identity', ['x']);
    const model = await expectParity(graph, { image: feed(IMAGE) }, ['a', 'b', 'c']);
    expect(countNodes(model, 'Transpose')).toBe(1);
  });

  test('a value of one pixel is reshaped, not transposed', async () => {
    const graph = convolved().constant('axes', [2], [1, 2], 'int32').constant('flat', [2], [1, 3], 'int32');
    graph.node('mean', 'Mean', ['x', 'axes'], { keep_dims: attr.bool(true) }).node('y', 'Reshape', ['mean', 'flat']);
    expect(countNodes(await expectParity(graph, { image: feed(IMAGE) }, ['y', 'mean']), 'Transpose')).toBe(0);
  });

  test.each([1, 2, 3, -1])('concatenation of NCHW values and a constant along axis %i', async (axis) => {
    const graph = convolved().constant('axis', [], [axis], 'int32').constant('c', IMAGE, values(IMAGE, 4));
    graph.node('r', 'Relu', ['x']).node('y', 'ConcatV2', ['r', 'c', 'x', 'axis'], { N: attr.int(3) });
    await expectParity(graph, { image: feed(IMAGE) }, ['y']);
  });

  test('a chain of convolutions, sums and concatenations needs no transpose but that of the output', async () => {
    const graph = convolved()
      .constant('axis', [], [-1], 'int32')
      .constant('filter2', [1, 1, 6, 2], values([12]));
    graph.node('r', 'Relu', ['x']).node('s', 'Sigmoid', ['x']).node('c', 'ConcatV2', ['r', 's', 'axis']);
    graph.node('y', 'Conv2D', ['c', 'filter2'], SAME);
    expect(countNodes(await expectParity(graph, { image: feed(IMAGE) }, ['y']), 'Transpose')).toBe(1);
  });
});

describe('deferred products and sums', () => {
  /** x · factor · relu6(x + shift), the published form of hard-swish. */
  function hardSwish(factor: number, shift: number): TinyGraph {
    const graph = convolved().constant('factor', [], [factor]).constant('shift', [], [shift]);
    graph.node('scaled', 'Mul', ['factor', 'x']).node('shifted', 'Add', ['x', 'shift']);
    return graph.node('gate', 'Relu6', ['shifted']).node('y', 'Mul', ['scaled', 'gate']);
  }

  test.each([
    [1 / 6, 3],
    [0.1666259765625, 3],
    [-2, -0.5],
    [0.3, 0],
  ])('factor %f and shift %f agree wherever the value goes', async (factor, shift) => {
    const graph = hardSwish(factor, shift).constant('axes', [2], [1, 2], 'int32').constant('flat', [1], [-1], 'int32');
    graph.node('conv', 'Conv2D', ['y', 'filter'], SAME).node('sum', 'AddV2', ['y', 'image']);
    graph.node('mean', 'Mean', ['y', 'axes'], { keep_dims: attr.bool(true) }).node('gated', 'Mul', ['y', 'mean']);
    graph.node('last', 'Conv2D', ['gated', 'filter'], SAME).node('list', 'Reshape', ['shifted', 'flat']);
    graph.node('clipped', 'Relu6', ['gated']).node('conv2', 'Conv2D', ['shifted', 'filter'], SAME);
    graph.node('mean2', 'Mean', ['shifted', 'axes']).node('square', 'Mul', ['shifted', 'y']);
    const outputs = [
      'conv2',
      'mean2',
      'square',
      'conv',
      'sum',
      'mean',
      'gated',
      'last',
      'list',
      'y',
      'shifted',
      'clipped',
    ];
    await expectParity(graph, { image: feed(IMAGE) }, outputs);
  });

  test('between convolutions, hard-swish is one HardSigmoid and one Mul', () => {
    const graph = hardSwish(0.1666259765625, 3).node('z', 'Conv2D', ['y', 'filter'], SAME);
    const model = compileGraph(graph.json, graph.bin, { outputs: ['z'] });
    const counts = ['Conv', 'HardSigmoid', 'Mul', 'Add', 'Clip'].map((op) => countNodes(model, op));
    expect(counts).toEqual([2, 1, 1, 0, 0]);
  });
});

describe('integers', () => {
  test('floor division and modulo round down for every sign', async () => {
    const dividend = fc.integer({ min: -1000, max: 1000 });
    const divisor = fc.integer({ min: -20, max: 20 }).filter((d) => d !== 0);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(dividend, divisor), { minLength: 1, maxLength: 20 }), async (pairs) => {
        const shape = [pairs.length];
        const graph = new TinyGraph().input('a', shape, 'int32').constant(
          'b',
          shape,
          pairs.map((p) => p[1]),
          'int32',
        );
        graph.node('quotient', 'FloorDiv', ['a', 'b']).node('rest', 'FloorMod', ['a', 'b']);
        const feeds = { a: { shape, data: pairs.map((p) => p[0]), dtype: 'int32' as const } };
        await expectParity(graph, feeds, ['quotient', 'rest']);
      }),
      { numRuns: 20 },
    );
  });

  test('floor division of floats', async () => {
    const graph = new TinyGraph()
      .input('a', [6])
      .constant('b', [6], values([6], 4))
      .node('y', 'FloorDiv', ['a', 'b']);
    await expectParity(graph, { a: feed([6]) }, ['y']);
  });
});

describe('slices, joins and searches', () => {
  const slices: [string, number[], number[], number[], Record<string, number>][] = [
    ['bounds', [0, 1, 2], [2, 3, 4], [1, 1, 1], {}],
    ['negative bounds and steps above one', [0, -3, 0], [2, -1, 4], [1, 1, 2], {}],
    ['open ends', [1, 1, 1], [1, 1, 1], [1, 1, 1], { begin_mask: 1, end_mask: 7 }],
    ['dropped axes, whose ends do not count', [1, -1, 0], [0, 0, 4], [1, 1, 1], { shrink_axis_mask: 3 }],
    ['fewer bounds than axes', [1], [2], [1], {}],
  ];
  test.each(slices)('strided slice: %s', async (_, begin, end, steps, masks) => {
    const graph = new TinyGraph().input('x', [2, 3, 4]);
    for (const [name, list] of Object.entries({ begin, end, steps }))
      graph.constant(name, [list.length], list, 'int32');
    const attributes = Object.entries(masks).map(([name, mask]) => [name, attr.int(mask)] as const);
    graph.node('y', 'StridedSlice', ['x', 'begin', 'end', 'steps'], Object.fromEntries(attributes));
    await expectParity(graph, { x: feed([2, 3, 4]) }, ['y']);
  });

  test('every other operator of the table agrees', async () => {
    const graph = convolved();
    const ints = (name: string, ...list: number[]) => graph.constant(name, [list.length], list, 'int32');
    const int = (name: string, value: number) => graph.constant(name, [], [value], 'int32');
    int('two', 2);
    int('last', -1);
    ints('rows', 4, -1);
    ints('axis3', 3);
    graph.constant('pads', [4, 2], [0, 0, 1, 2, 0, 3, 0, 1], 'int32');
    graph.constant('positions', [2, 1, 2], [0, 1, 3, 2], 'int32').constant('picks', [3], [2, 0, 2], 'int32');
    graph
      .constant('matrix', [15, 2], values([30], 5))
      .constant('bias', [2], [0.5, -0.5])
      .constant('slope', [3], [0.1, 0.2, 0.3]);
    graph.node('pad', 'Pad', ['x', 'pads']).node('prelu', 'Prelu', ['x', 'slope']);
    graph
      .node('expand', 'ExpandDims', ['x', 'two'])
      .node('squeeze', 'Squeeze', ['expand'], { squeeze_dims: attr.ints(0, 2) });
    graph.node('all', 'Squeeze', ['expand']).node('channels', 'Mean', ['x', 'axis3']);
    graph.node('table', 'Reshape', ['x', 'rows']);
    graph.node('unpacked', 'Unpack', ['table'], { axis: attr.int(0), num: attr.int(4) });
    graph.node('packed', 'Pack', ['unpacked:3', 'unpacked', 'unpacked:1'], { axis: attr.int(1), N: attr.int(3) });
    graph.node('gather', 'GatherV2', ['x', 'picks', 'last']).node('nd', 'GatherNd', ['table', 'positions']);
    graph.node('top', 'TopKV2', ['table', 'two'], { sorted: attr.bool(true) });
    graph.node('product', '_FusedMatMul', ['table', 'matrix', 'bias'], {
      fused_ops: attr.texts('BiasAdd', 'Relu'),
      num_args: attr.int(1),
    });
    graph.node('softmax', 'Softmax', ['product']).node('argmax', 'ArgMax', ['x', 'last']);
    graph.node('distance', 'SquaredDifference', ['x', 'image']).node('root', 'Sqrt', ['distance']);
    graph
      .node('ratio', 'RealDiv', ['x', 'image'])
      .node('least', 'Minimum', ['x', 'image'])
      .node('n', 'AddN', ['x', 'x', 'image']);
    graph.node('equal', 'Equal', ['x', 'least']).node('mask', 'Cast', ['equal'], { DstT: attr.type('float32') });
    graph.node('whole', 'Cast', ['x'], { DstT: attr.type('int32') });
    await expectParity(graph, { image: feed(IMAGE) }, [
      ...['pad', 'prelu', 'expand', 'squeeze', 'all', 'channels', 'packed', 'gather', 'nd', 'top', 'top:1', 'product'],
      ...['softmax', 'argmax', 'distance', 'root', 'ratio', 'least', 'n', 'mask', 'whole'],
    ]);
  });
});
