import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { ModelError } from '../../../src/errors.ts';
import { compileSsd } from '../../../src/models/compile/ssd.ts';
import { loadFaceApi, shippedWeights } from './face-api.ts';
import { type Array4, countNodes, difference, photograph, runOnnx, useBackend } from './reference.ts';

interface FaceApi {
  readonly SsdMobilenetv1: new () => {
    loadFromWeightMap(weights: tf.NamedTensorMap): void;
    forwardInput(input: { toBatchTensor(): tf.Tensor }): { boxes: tf.Tensor[]; scores: tf.Tensor[] };
  };
}

const { bin, manifest, tensors } = shippedWeights('ssd_mobilenetv1_model');

/** Boxes (reordered to x1, y1, x2, y2) and scores as face-api computes them. */
function runFaceApi(pixels: Float32Array): [boxes: Array4, scores: Array4] {
  const net = new (loadFaceApi<FaceApi>().SsdMobilenetv1)();
  net.loadFromWeightMap(tensors());
  const input = tf.tensor(pixels, [1, 512, 512, 3]);
  const { boxes, scores } = net.forwardInput({ toBatchTensor: () => input });
  const yxyx = boxes[0]?.dataSync() ?? [];
  const xyxy = Array.from(yxyx, (_, i) => yxyx[i ^ 1] as number);
  return [
    { shape: [1, ...(boxes[0]?.shape ?? [])], data: xyxy },
    { shape: [1, ...(scores[0]?.shape ?? [])], data: scores[0]?.dataSync() ?? [] },
  ];
}

beforeAll(() => useBackend('wasm'));

describe('parity with face-api', () => {
  test('boxes and scores of a photograph agree', async () => {
    const pixels = await photograph(512, 512);
    const [boxes, scores] = runFaceApi(pixels);
    const image = { shape: [1, 512, 512, 3], data: pixels.map((value) => (value - 127.5) / 127.5) };
    const compiled = await runOnnx(compileSsd(manifest, bin), { image }, ['boxes', 'scores']);
    // Without faces in the photograph, agreement would say little.
    expect(Array.from(scores.data).filter((score) => score > 0.5).length).toBeGreaterThanOrEqual(3);
    for (const [i, expected] of [boxes, scores].entries()) {
      const { error, text } = difference(expected, compiled[i] as Array4);
      expect(error, text).toBeLessThan(1e-4);
    }
  });
});

describe('compilation', () => {
  test('the same weights give the same bytes, from any kind of byte array', () => {
    const once = compileSsd(manifest, bin);
    expect(Buffer.compare(once, compileSsd(structuredClone(manifest), Uint8Array.from(bin)))).toBe(0);
  });

  test('normalisation is folded: 47 convolutions, no other work per pixel', () => {
    const model = compileSsd(manifest, bin);
    expect(countNodes(model, 'Conv')).toBe(47);
    expect(countNodes(model, 'BatchNormalization')).toBe(0);
    expect(countNodes(model, 'Clip')).toBe(35);
    expect(countNodes(model, 'Transpose')).toBe(12);
  });

  test('a truncated file is refused with both lengths', () => {
    const compile = (): Uint8Array => compileSsd(manifest, bin.subarray(0, -1));
    expect(compile).toThrow(new ModelError('Expected 5616957 bytes of weights but received 5616956'));
  });

  test('a renamed weight is refused by name', () => {
    const renamed = structuredClone(manifest);
    const entry = renamed[0]?.weights.find(
      (weight) => weight.name === 'MobilenetV1/Conv2d_5_depthwise/BatchNorm/gamma',
    );
    Object.assign(entry ?? {}, { name: 'other' });
    expect(() => compileSsd(renamed, bin)).toThrow(
      /^Expected weight MobilenetV1\/Conv2d_5_depthwise\/BatchNorm\/gamma/,
    );
  });
});
