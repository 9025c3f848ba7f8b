import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { Outputs } from '../../../src/detect/decoder.ts';
import { decodeCenternet } from '../../../src/detect/families/centernet.ts';
import { ModelError } from '../../../src/errors.ts';
import { compileGraph } from '../../../src/models/compile/graph.ts';
import type { OutputTensor } from '../../../src/models/session.ts';
import {
  type Array4,
  countNodes,
  difference,
  type ModelJson,
  packageDir,
  photograph,
  runOnnx,
  runTfjs,
  toNchw,
  useBackend,
} from './reference.ts';
import { attr, TinyGraph } from './tiny-graph.ts';

function load(name: string): { json: ModelJson; bin: Uint8Array } {
  const file = path.join(packageDir('@vladmandic/human'), 'models', name);
  return { json: JSON.parse(readFileSync(`${file}.json`, 'utf8')) as ModelJson, bin: readFileSync(`${file}.bin`) };
}

/** Outputs of tfjs and of the compiled model for the photograph, `scale · pixel + offset`. */
async function runBoth(
  name: string,
  input: string,
  shape: readonly number[],
  range: [number, number],
  outputs: string[],
) {
  const { json, bin } = load(name);
  const [, height = 1, width = 1, channels] = shape;
  const rgb = await photograph(width, height);
  const pixels = channels === 1 ? rgb.filter((_, i) => i % 3 === 1) : rgb;
  const data = pixels.map((value) => value * range[0] + range[1]);
  const dtype = name.startsWith('movenet') ? 'int32' : 'float32';
  const expected = await runTfjs(json, bin, { [input]: tf.tensor(data, [...shape], dtype) }, outputs);
  const received = await runOnnx(compileGraph(json, bin, { outputs }), { [input]: { shape, data } }, outputs);
  return outputs.map((output, i) => ({ output, expected: expected[i] as Array4, received: received[i] as Array4 }));
}

describe('parity with tfjs: centernet', () => {
  beforeAll(() => useBackend('wasm'));

  test('heatmap, sizes and detections of a photograph agree', async () => {
    const outputs = ['tower_0/keypoints', 'tower_0/wh', 'tower_0/detections'];
    const [heatmap, sizes, detections] = await runBoth(
      'centernet',
      'tower_0/images',
      [1, 512, 512, 3],
      [1, 0],
      outputs,
    );
    for (const [result, unit] of [
      [heatmap, 1],
      [sizes, 512],
    ] as const) {
      const { error, text } = difference(result?.expected as Array4, result?.received as Array4);
      expect(error / unit, `${result?.output}: ${text}`).toBeLessThan(1e-4);
    }
    const [wanted, found] = [rows(detections?.expected), rows(detections?.received)];
    // Three people stand in the photograph: class 0, best first.
    expect(wanted.filter((row) => row[5] === 0 && (row[4] as number) > 0.4).length).toBeGreaterThanOrEqual(3);
    for (const row of wanted) {
      // Peaks of almost equal score may change places, and the last ones may drop out.
      if ((row[4] as number) < (wanted.at(-1)?.[4] as number) + 1e-5) continue;
      const errors = found.filter((other) => other[5] === row[5]).map((other) => rowError(row, other));
      expect(Math.min(...errors), `max abs error of detection ${row}`).toBeLessThan(1e-4);
    }
  });
});

describe('parity with tfjs: centernet of dynamic size', () => {
  const outputs = ['tower_0/mul_1', 'tower_0/mul'];
  const { json, bin } = load('centernet');
  const model = compileGraph(json, bin, { outputs, dynamic: true });
  const image = 'tower_0/images';

  beforeAll(() => useBackend('wasm'));

  test.each([
    [512, 512],
    [448, 640],
    [640, 512],
  ])('peaks and sizes of a photograph agree at %i×%i', async (height, width) => {
    const shape: [number, number, number, number] = [1, height, width, 3];
    const data = await photograph(width, height);
    const graph = resized(json, bin, height, width);
    const names = ['tower_0/keypoints', ...outputs];
    const whole = compileGraph(json, bin, { outputs: names, dynamic: true });
    const expected = await runTfjs(graph.json, graph.bin, { [image]: tf.tensor(data, shape) }, names);
    const received = await runOnnx(whole, { [image]: { shape, data } }, names);
    for (const [i, name] of names.entries()) {
      const [a, b] = [toNchw(expected[i] as Array4), received[i] as Array4];
      // Of two neighbours of almost equal score another one may be the peak; among the higher ones there are none.
      const { error, text } = name === 'tower_0/mul_1' ? difference(clear(a), clear(b)) : difference(a, b);
      if (name === 'tower_0/mul') expect(error / 512, `${name}: ${text}`).toBeLessThan(1e-4);
      else expect(error, `${name}: ${text}`).toBeLessThan(1e-5);
    }
    // Not the agreement of empty maps: class 0 is a person.
    const people = Array.from(received[1]?.data ?? []).slice(0, (height * width) / 16);
    expect(Math.max(...people)).toBeGreaterThan(0.4);
  });

  test('the decoder reads what the graph itself would list', async () => {
    const shape: [number, number, number, number] = [1, 512, 512, 3];
    const data = await photograph(512, 512);
    const [list] = await runTfjs(json, bin, { [image]: tf.tensor(data, shape) }, ['tower_0/detections']);
    const maps = await runOnnx(model, { [image]: { shape, data } }, outputs);
    const tensors = maps.map((map, i) => [outputs[i], { ...map, data: Float32Array.from(map.data) }] as const);
    const context = { width: 512, height: 512, keep: { body: 0.1 } };
    const found = decodeCenternet(new Outputs('m', new Map(tensors as [string, OutputTensor][])), context);
    const wanted = rows(list).filter((row) => row[5] === 0 && (row[4] as number) >= 0.1);
    expect(wanted.length).toBeGreaterThanOrEqual(3);
    expect(found.length).toBe(wanted.length);
    const best = found.sort((a, b) => b.score - a.score);
    for (const [i, { score, box }] of best.entries()) {
      const row = [...[box.x1, box.y1, box.x2, box.y2].map((side) => side / 512), score, 0];
      expect(rowError(wanted[i] as number[], row), `detection ${row}`).toBeLessThan(1e-5);
    }
  });
});

function clear({ shape, data }: Array4): Array4 {
  return { shape, data: Array.from(data, (score) => (score < 0.05 ? 0 : score)) };
}

const ITEM_BYTES: Readonly<Record<string, number>> = { float32: 4, int32: 4, bool: 1, float16: 2, uint16: 2, uint8: 1 };

/** centernet as it would be published for another size of image: the input's shape, and the targets of its scalings. */
function resized(
  json: ModelJson,
  bin: Uint8Array,
  height: number,
  width: number,
): { json: ModelJson; bin: Uint8Array } {
  const copy = structuredClone(json) as ModelJson;
  const input = copy.modelTopology.node.find((node) => (node as { op: string }).op === 'Placeholder');
  const { dim } = (input as { attr: { shape: { shape: { dim: { size: string }[] } } } }).attr.shape.shape;
  dim.splice(1, 2, { size: `${height}` }, { size: `${width}` });
  const bytes = Buffer.from(bin);
  let offset = 0;
  for (const { name, shape, dtype, quantization } of copy.weightsManifest.flatMap((group) => group.weights)) {
    if (/up_sampling2d(_\d)?\/mul$/.test(name)) {
      for (const [i, length] of [height, width].entries()) {
        bytes.writeInt32LE((bytes.readInt32LE(offset + i * 4) * length) / 512, offset + i * 4);
      }
    }
    const itemBytes = ITEM_BYTES[quantization?.dtype ?? dtype] as number;
    offset += shape.reduce((size, length) => size * length, itemBytes);
  }
  return { json: copy, bin: bytes };
}

/** x1, y1, x2, y2 as fractions of the input, score, class. */
function rows(detections: Array4 | undefined): number[][] {
  const data = Array.from(detections?.data ?? []);
  return Array.from({ length: data.length / 6 }, (_, i) => {
    return data.slice(i * 6, i * 6 + 6).map((value, column) => (column < 4 ? value / 512 : value));
  });
}

function rowError(a: readonly number[], b: readonly number[]): number {
  return Math.max(...a.map((value, i) => Math.abs(value - (b[i] as number))));
}

describe('parity with tfjs: other models of human', () => {
  beforeAll(() => useBackend('wasm'));

  const unit: [number, number] = [1 / 255, 0];
  test.each([
    ['blazeface', 'input', [1, 256, 256, 3], [1 / 127.5, -1], ['Identity', 'Identity_1', 'Identity_2', 'Identity_3']],
    [
      'faceres',
      'input_1',
      [1, 224, 224, 3],
      [1, 0],
      ['gender_pred/Sigmoid', 'global_pooling/Mean', 'age_pred/Softmax'],
    ],
    ['movenet-lightning', 'input', [1, 192, 192, 3], [1, 0], ['Identity']],
    ['facemesh', 'input_1', [1, 192, 192, 3], unit, ['Identity', 'Identity_1', 'Identity_2']],
    ['iris', 'input_1', [1, 64, 64, 3], unit, ['Identity']],
    ['emotion', 'input_1', [1, 64, 64, 1], unit, ['Identity']],
    ['antispoof', 'conv2d_input', [1, 128, 128, 3], unit, ['Identity']],
    ['liveness', 'conv2d_1_input', [1, 32, 32, 3], unit, ['Identity']],
    ['handlandmark-lite', 'input_1', [1, 224, 224, 3], unit, ['Identity', 'Identity_1', 'Identity_2', 'Identity_3']],
  ] as [string, string, number[], [number, number], string[]][])('%s', async (name, input, shape, range, outputs) => {
    for (const { output, expected, received } of await runBoth(name, input, shape, range, outputs)) {
      const { relative, text } = difference(expected, received);
      expect(relative, `${output}: ${text}`).toBeLessThan(1e-5);
    }
  });
});

describe('compilation', () => {
  test('the same model gives the same bytes', () => {
    const { json, bin } = load('centernet');
    const options = { outputs: ['tower_0/detections'] };
    const once = compileGraph(json, bin, options);
    expect(Buffer.compare(once, compileGraph(structuredClone(json), Uint8Array.from(bin), options))).toBe(0);
  });

  test('centernet stays NCHW up to the list of peaks, and every hard-swish is compact', () => {
    const { json, bin } = load('centernet');
    const model = compileGraph(json, bin, { outputs: ['tower_0/detections'] });
    // The heatmap before its Reshape, and the sizes before theirs.
    expect(countNodes(model, 'Transpose')).toBe(2);
    expect(countNodes(model, 'HardSigmoid')).toBe(28);
    expect(countNodes(model, 'Clip')).toBe(0);
  });

  test('centernet of dynamic size gives the same bytes, and transposes nothing', () => {
    const { json, bin } = load('centernet');
    const options = { outputs: ['tower_0/mul_1', 'tower_0/mul'], dynamic: true };
    const once = compileGraph(json, bin, options);
    expect(Buffer.compare(once, compileGraph(structuredClone(json), Uint8Array.from(bin), options))).toBe(0);
    expect(countNodes(once, 'Transpose')).toBe(0);
    expect(countNodes(once, 'HardSigmoid')).toBe(28);
    for (const dim of ['height', 'width', 'height/4', 'width/4']) {
      expect(Buffer.from(once).includes(Buffer.from([0x12, dim.length, ...Buffer.from(dim)])), dim).toBe(true);
    }
  });

  test('the list of peaks cannot have a dynamic size', () => {
    const { json, bin } = load('centernet');
    const compile = () => compileGraph(json, bin, { outputs: ['tower_0/detections'], dynamic: true });
    expect(compile).toThrow(ModelError);
    expect(compile).toThrow(/^Node tower_0\/\S+ \(\w+\): expected an operation that is the same for every height/);
  });

  test('what the outputs do not need is left out', () => {
    const { json, bin } = load('centernet');
    const sizes = compileGraph(json, bin, { outputs: ['tower_0/wh'] });
    expect(countNodes(sizes, 'TopK')).toBe(0);
    expect(Buffer.from(sizes).includes('centernet_cls_output')).toBe(false);
  });
});

describe('refusals', () => {
  const relu = new TinyGraph().input('x', [1, 2]).node('y', 'Relu', ['x']);
  function graphOf(...nodes: [string, string, string[], object?][]): ModelJson {
    const graph = new TinyGraph().input('x', [1, 4, 4, 2]);
    for (const node of nodes) graph.node(...node);
    return graph.json;
  }
  const conv = { strides: attr.ints(1, 1, 1, 1), padding: attr.text('SAME') };
  const cases: [string, unknown, string[], string][] = [
    ['an unknown operator', graphOf(['y', 'Erf', ['x']]), ['y'], 'Node y (Erf): expected one of the operators Add,'],
    ['no outputs', relu.json, [], 'Expected at least one output of the graph but received none'],
    ['an unknown output', relu.json, ['z'], 'Expected an output of the graph but received z'],
    ['an output index that does not exist', relu.json, ['y:1'], 'Expected output 1 of node y but it has 1'],
    ['an input that does not exist', graphOf(['y', 'Relu', ['z']]), ['y'], 'Expected a node z in the graph'],
    ['a missing input', graphOf(['y', 'Relu', []]), ['y'], 'Node y (Relu): expected at least 1 inputs but received 0'],
    ['a loop', graphOf(['y', 'Relu', ['z']], ['z', 'Relu', ['y']]), ['y'], 'without loops'],
    [
      'a filter that is computed',
      graphOf(['y', 'Conv2D', ['x', 'x'], conv]),
      ['y'],
      'expected input 1 to be a constant',
    ],
    ['a constant without a weight', graphOf(['y', 'Const', []]), ['y'], 'Expected weight y'],
    ['an unsupported cast', graphOf(['y', 'Cast', ['x'], { DstT: { type: 'DT_HALF' } }]), ['y'], 'received "DT_HALF"'],
    ['a missing attribute', graphOf(['y', 'MaxPool', ['x'], conv]), ['y'], 'expected attribute ksize to be a list'],
    ['no topology', { weightsManifest: [] }, ['y'], 'Expected a modelTopology with an array "node"'],
    [
      'a malformed node',
      { modelTopology: { node: [{ name: 'y' }] }, weightsManifest: [] },
      ['y'],
      'in node 0 of the graph',
    ],
    ['something else', 'model', ['y'], 'Expected a tfjs graph model (an object) but received string'],
  ];
  test.each(cases)('%s', (_, json, outputs, message) => {
    const compile = (): Uint8Array => compileGraph(json, new Uint8Array(0), { outputs });
    expect(compile).toThrow(ModelError);
    expect(compile).toThrow(message);
  });

  test.each([
    ['shapes that do not fit', [3], 'AddV2', {}, 'shapes that broadcast together but received [1,4,4,2], [3]'],
    ['a filter for other channels', [1, 1, 3, 1], 'Conv2D', conv, 'a filter for 2 channels but received [1,1,3,1]'],
    [
      'an activation it does not know',
      [1, 1, 2, 1],
      '_FusedConv2D',
      { ...conv, fused_ops: attr.texts('Elu') },
      'an activation among Relu, Relu6, Sigmoid, Prelu but received Elu',
    ],
    ['explicit padding', [1, 1, 2, 1], 'Conv2D', { ...conv, padding: attr.text('EXPLICIT') }, 'padding SAME or VALID'],
    [
      'a bias that is none',
      [1, 1, 2, 1],
      '_FusedConv2D',
      { ...conv, fused_ops: attr.texts('BiasAdd') },
      'a bias for 1 channels',
    ],
  ])('%s', (_, shape, op, attributes, message) => {
    const size = shape.reduce((product, dim) => product * dim, 1);
    const graph = new TinyGraph().input('x', [1, 4, 4, 2]).constant('c', shape, Array<number>(size).fill(1));
    graph.node('y', op, op === '_FusedConv2D' ? ['x', 'c', 'c'] : ['x', 'c'], attributes);
    const compile = (): Uint8Array => compileGraph(graph.json, graph.bin, { outputs: ['y'] });
    expect(compile).toThrow(ModelError);
    expect(compile).toThrow(`Node y (${op}): expected ${message}`);
  });
});
