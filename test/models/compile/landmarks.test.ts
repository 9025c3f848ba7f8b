import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { ModelError } from '../../../src/errors.ts';
import { compileLandmarks } from '../../../src/models/compile/landmarks.ts';
import { loadFaceApi, shippedWeights } from './face-api.ts';
import { type Array4, countNodes, difference, photograph, runOnnx, useBackend } from './reference.ts';

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

const { bin, manifest, tensors } = shippedWeights('face_landmark_68_model');

const SIZE = 112;
const MEAN = [122.782, 117.001, 104.298];

/** Points as face-api computes them, fractions of the input's side. */
function runFaceApi(pixels: Float32Array): Array4 {
  const net = new (loadFaceApi<FaceApi>().FaceLandmark68Net)();
  net.loadFromWeightMap(tensors());
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
