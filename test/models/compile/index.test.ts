import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ModelError } from '../../../src/errors.ts';
import { type CompileKind, compileGraph, compileModel, compileSsd } from '../../../src/models/compile/index.ts';
import { packageDir } from './reference.ts';
import { TinyGraph } from './tiny-graph.ts';

const graph = new TinyGraph().input('x', [1, 2]).constant('c', [2], [1, 2]).node('y', 'AddV2', ['x', 'c']);
const graphJson = Buffer.from(JSON.stringify(graph.json));

test('a graph model is compiled from its files', () => {
  const outputs = ['y'];
  const model = compileModel('tfjs-graph', { json: graphJson, bin: graph.bin }, { outputs });
  expect(model).toEqual(compileGraph(graph.json, graph.bin, { outputs }));
});

test('the face detector is compiled from its files', () => {
  const file = path.join(packageDir('@vladmandic/face-api'), 'model/ssd_mobilenetv1_model');
  const json = readFileSync(`${file}-weights_manifest.json`);
  const bin = readFileSync(`${file}.bin`);
  const model = compileModel('faceapi-ssd', { json, bin }, { outputs: [] });
  expect(Buffer.compare(model, compileSsd(JSON.parse(json.toString()), bin))).toBe(0);
});

test.each([
  ['tfjs-graph', '{"modelTopology":', ['y'], 'Expected a JSON file but received 17 bytes that are none'],
  ['tfjs-graph', '[]', ['y'], 'Expected a tfjs graph model (an object) but received object'],
  ['tfjs-graph', '{}', ['y'], 'Expected a weights manifest (an array of groups) but received undefined'],
  ['tfjs-graph', graphJson.toString(), undefined, 'Expected at least one output of the graph but received none'],
  [
    'faceapi-ssd',
    graphJson.toString(),
    undefined,
    'Expected a weights manifest for faceapi-ssd but received a model.json',
  ],
  ['faceapi-ssd', '[]', ['boxes'], 'Expected no choice of outputs for faceapi-ssd but received boxes'],
  ['faceapi-ssd', '[]', undefined, 'Expected weight MobilenetV1/Conv2d_0_pointwise/weights'],
  ['faceapi-recognition', '[]', undefined, 'Expected weight conv32_down/conv/filters'],
] as [CompileKind, string, string[] | undefined, string][])('%s from %s', (kind, json, outputs, message) => {
  const files = { json: Buffer.from(json), bin: new Uint8Array(0) };
  const compile = (): Uint8Array => compileModel(kind, files, outputs ? { outputs } : {});
  expect(compile).toThrow(ModelError);
  expect(compile).toThrow(message);
});

test('a dynamic size reaches the graph, and is refused where there is none', () => {
  const image = new TinyGraph().input('x', [1, 32, 32, 3]).node('y', 'Relu', ['x']);
  const files = { json: Buffer.from(JSON.stringify(image.json)), bin: image.bin };
  const options = { outputs: ['y'], dynamic: true };
  expect(compileModel('tfjs-graph', files, options)).toEqual(compileGraph(image.json, image.bin, options));
  expect(() => compileModel('faceapi-ssd', { json: Buffer.from('[]'), bin: image.bin }, { dynamic: true })).toThrow(
    new ModelError('Expected a fixed input size for faceapi-ssd but received dynamic'),
  );
});

test('bytes that are not UTF-8 are refused', () => {
  const files = { json: Uint8Array.of(0x22, 0xff, 0x22), bin: new Uint8Array(0) };
  expect(() => compileModel('tfjs-graph', files, { outputs: ['y'] })).toThrow(ModelError);
});
