import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { ModelError } from '../../../src/errors.ts';
import { compileFaceRecognition } from '../../../src/models/compile/face-recognition.ts';
import { FACE_API, loadFaceApi, shippedWeights } from './face-api.ts';
import { type Array4, countNodes, difference, runOnnx, useBackend } from './reference.ts';

interface FaceApi {
  readonly FaceRecognitionNet: new () => {
    loadFromWeightMap(weights: tf.NamedTensorMap): void;
    forwardInput(input: { toBatchTensor(): tf.Tensor }): tf.Tensor;
  };
}

const MEANS = [122.782, 117.001, 104.298] as const;
const { bin, manifest, tensors } = shippedWeights('face_recognition_model');

/** The descriptor as face-api computes it. @param pixels RGB, 0…255, [150,150,3] */
function runFaceApi(pixels: Float32Array): Array4 {
  const net = new (loadFaceApi<FaceApi>().FaceRecognitionNet)();
  net.loadFromWeightMap(tensors());
  const input = tf.tensor(pixels, [1, 150, 150, 3]);
  const descriptor = net.forwardInput({ toBatchTensor: () => input });
  return { shape: descriptor.shape, data: descriptor.dataSync() };
}

/** A face of the photograph that the package ships. */
async function face(left: number, top: number, side: number): Promise<Float32Array> {
  const file = path.join(FACE_API, 'demo', 'sample1.jpg');
  const upright = sharp(file).resize(640, 427, { fit: 'fill' }).extract({ left, top, width: side, height: side });
  return Float32Array.from(
    await sharp(await upright.png().toBuffer())
      .resize(150, 150)
      .removeAlpha()
      .raw()
      .toBuffer(),
  );
}

async function runCompiled(pixels: Float32Array): Promise<Array4> {
  const image = { shape: [1, 150, 150, 3], data: pixels.map((value, i) => (value - (MEANS[i % 3] as number)) / 255) };
  const [descriptor] = await runOnnx(compileFaceRecognition(manifest, bin), { image }, ['descriptor']);
  return descriptor as Array4;
}

beforeAll(() => useBackend('wasm'));

describe('parity with face-api', () => {
  test.each([
    ['the first', 128, 112, 88],
    ['the third', 480, 62, 92],
  ])('descriptors of %s face of a photograph agree', async (_, left, top, side) => {
    const pixels = await face(left, top, side);
    const { error, text } = difference(runFaceApi(pixels), await runCompiled(pixels));
    expect(error, text).toBeLessThan(1e-4);
  });

  test('two people are farther apart than two cut-outs of one', async () => {
    const [a, again, b] = await Promise.all(
      [face(128, 112, 88), face(130, 110, 92), face(480, 62, 92)].map(
        async (pixels) => (await runCompiled(await pixels)).data,
      ),
    );
    const distance = (p: ArrayLike<number> = [], q: ArrayLike<number> = []): number =>
      Math.hypot(...Array.from(p, (value, i) => value - (q[i] as number)));
    expect(distance(a, again)).toBeLessThan(0.4);
    expect(distance(a, b)).toBeGreaterThan(0.5);
  });
});

describe('compilation', () => {
  test('scales are folded: 29 convolutions, one multiplication', () => {
    const model = compileFaceRecognition(manifest, bin);
    expect(countNodes(model, 'Conv')).toBe(29);
    expect(countNodes(model, 'Mul')).toBe(0);
    expect(countNodes(model, 'MatMul')).toBe(1);
  });

  test('the same weights give the same bytes', () => {
    const once = compileFaceRecognition(manifest, bin);
    expect(Buffer.compare(once, compileFaceRecognition(structuredClone(manifest), Uint8Array.from(bin)))).toBe(0);
  });

  test('a truncated file is refused with both lengths', () => {
    const compile = (): Uint8Array => compileFaceRecognition(manifest, bin.subarray(0, -1));
    expect(compile).toThrow(ModelError);
    expect(compile).toThrow(`bytes of weights but received ${bin.length - 1}`);
  });

  test('weights of another network are refused by name', () => {
    expect(() => compileFaceRecognition([{ weights: [] }], new Uint8Array(0))).toThrow(
      /^Expected weight conv32_down\/conv\/filters/,
    );
  });
});
