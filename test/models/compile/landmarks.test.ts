import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import * as wasm from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
// face-api calls operations as methods of tensors.
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js';
import { beforeAll, describe, expect, test } from 'vitest';
import { ModelError } from '../../../src/errors.ts';
import { compileLandmarks } from '../../../src/models/compile/landmarks.ts';
import { type Array4, countNodes, difference, packageDir, photograph, runOnnx, useBackend } from './reference.ts';

interface FaceApi {
  readonly FaceLandmark68Net: new () => {
    loadFromWeightMap(weights: tf.NamedTensorMap): void;
    faceFeatureExtractor: {
      loadFromWeightMap(weights: tf.NamedTensorMap): void;
      forwardInput(input: { toBatchTensor(): tf.Tensor }): tf.Tensor4D;
    };
    runNet(features: tf.Tensor4D): tf.Tensor2D;
  };
}

const dir = packageDir('@vladmandic/face-api');
const bin = readFileSync(path.join(dir, 'model/face_landmark_68_model.bin'));
const manifest = JSON.parse(
  readFileSync(path.join(dir, 'model/face_landmark_68_model-weights_manifest.json'), 'utf8'),
) as { readonly weights: readonly tf.io.WeightsManifestEntry[] }[];

const SIZE = 112;
const MEAN = [122.782, 117.001, 104.298];

/** face-api's own Node build, which asks for the umbrella package `@tensorflow/tfjs`: it gets the parts it uses. */
function loadFaceApi(): FaceApi {
  const require = createRequire(import.meta.url);
  const packages = new Map<string, unknown>([
    ['@tensorflow/tfjs', tf],
    ['@tensorflow/tfjs-backend-wasm', wasm],
  ]);
  const module = { exports: {} };
  const source = readFileSync(path.join(dir, 'dist/face-api.node-wasm.js'), 'utf8');
  new Function('module', 'exports', 'require', source)(module, module.exports, (name: string) => {
    return packages.get(name) ?? require(name);
  });
  return module.exports as FaceApi;
}

/** Points as face-api computes them, fractions of the input's side. */
function runFaceApi(pixels: Float32Array): Array4 {
  const net = new (loadFaceApi().FaceLandmark68Net)();
  const specs = manifest.flatMap((group) => group.weights);
  net.loadFromWeightMap(tf.io.decodeWeights(Uint8Array.from(bin).buffer, [...specs]));
  const input = tf.tensor(pixels, [1, SIZE, SIZE, 3]);
  const points = net.runNet(net.faceFeatureExtractor.forwardInput({ toBatchTensor: () => input }));
  return { shape: points.shape, data: points.dataSync() };
}

beforeAll(() => useBackend('wasm'));

describe('parity with face-api', () => {
  test('the points of a photograph agree', async () => {
    const pixels = await photograph(SIZE, SIZE);
    const expected = runFaceApi(pixels);
    const image = {
      shape: [1, SIZE, SIZE, 3],
      data: pixels.map((value, i) => (value - (MEAN[i % 3] as number)) / 255),
    };
    const [points] = await runOnnx(compileLandmarks(manifest, bin), { image }, ['landmarks']);
    const spread = Math.max(...Array.from(expected.data)) - Math.min(...Array.from(expected.data));
    // Points that all fell together would agree with anything.
    expect(spread).toBeGreaterThan(0.1);
    const { error, text } = difference(expected, points as Array4);
    expect(error, text).toBeLessThan(1e-4);
  });
});

describe('compilation', () => {
  test('the same weights give the same bytes, from any kind of byte array', () => {
    const once = compileLandmarks(manifest, bin);
    expect(Buffer.compare(once, compileLandmarks(structuredClone(manifest), Uint8Array.from(bin)))).toBe(0);
  });

  test('one plain and fifteen separable convolutions', () => {
    expect(countNodes(compileLandmarks(manifest, bin), 'Conv')).toBe(1 + 15 * 2);
  });

  test('a truncated file is refused with both lengths', () => {
    const compile = (): Uint8Array => compileLandmarks(manifest, bin.subarray(0, -1));
    expect(compile).toThrow(new ModelError(`Expected ${bin.length} bytes of weights but received ${bin.length - 1}`));
  });
});
