import { beforeAll, describe, expect, it } from 'vitest';
import type { ImageFormat, Region, RgbImage } from '../../src/core/types.ts';
import { decodeImage } from '../../src/image/decode.ts';
import { encodeImage } from '../../src/image/encode.ts';
import { redactInPlace } from '../../src/redact/apply.ts';
import { encoded, fromRgb, pixelFormats } from '../fixtures/images.ts';
import { copy, detect, FILL, paint, random, regionOf } from './scenes.ts';

const LIMITS = { limitPixels: 1e8, timeoutSeconds: 60 };
const SIDE = 240;

/** Black on the left, white on the right: what is left of the edge is what is left of anything. */
const step = paint(SIDE, SIDE, (x) => (x < SIDE / 2 ? 0 : 255));

/** Standard deviation of the Gaussian that would leave the steepest place of the middle rows as steep. */
function effectiveSigma({ data, width }: RgbImage, { box }: Region, lag: number): number {
  let steepest = 0;
  const middle = Math.floor((box.y1 + box.y2) / 2);
  // The mean of a few rows, so that the noise of lossy compression does not count as an edge.
  const at = (x: number): number => {
    let sum = 0;
    for (let y = middle - 4; y < middle + 4; y++) sum += data[3 * (y * width + x)] as number;
    return sum / 8;
  };
  for (let x = box.x1 + 10; x + lag < box.x2 - 10; x++)
    steepest = Math.max(steepest, Math.abs(at(x + lag) - at(x)) / lag);
  return 255 / (steepest * Math.sqrt(2 * Math.PI));
}

describe('strength of what is published, from every format and bit depth to every format', () => {
  let files: { name: string; format: ImageFormat; bytes: Buffer }[];
  beforeAll(async () => {
    const plain = await Promise.all(
      (['jpeg', 'png', 'webp', 'avif', 'tiff', 'gif'] as const).map(async (format) => ({
        name: format,
        format,
        bytes: await encoded(fromRgb(step), format),
      })),
    );
    files = [...plain, ...(await pixelFormats(step))];
  });

  it.each(['blur', 'gaussian', 'pixelate', 'solid'] as const)('%s', async (mode) => {
    const seen: string[] = [];
    for (const { name, format, bytes } of files) {
      const image = await decodeImage(bytes, LIMITS);
      const before = copy(image.rgb);
      const region = regionOf(detect('face', [60, 60, 180, 180]), mode, SIDE, SIDE);
      redactInPlace(image, [region], { fill: FILL });
      for (const target of new Set<ImageFormat>([format, 'jpeg', 'webp'])) {
        const published = await encodeImage(image, { format: target, jpegQuality: 92, lossless: image.lossless });
        const { rgb } = await decodeImage(published, LIMITS);
        const label = `${name} to ${target}`;
        seen.push(label);
        if (mode === 'solid') {
          const centre = rgb.data.subarray(3 * (120 * SIDE + 120), 3 * (120 * SIDE + 120) + 3);
          const off = [FILL.r, FILL.g, FILL.b].map((v, c) => Math.abs(v - (centre[c] as number)));
          expect(Math.max(...off), label).toBeLessThan(12);
          continue;
        }
        const cell = region.shortSide / 6;
        // Pixelate has hard borders: its steps are as coarse as its cells, but not smooth.
        if (mode !== 'pixelate') {
          expect(effectiveSigma(rgb, region, Math.round(cell / 4)), label).toBeGreaterThan(0.45 * cell);
        }
        const outside = (y: number): number[] => [5, 30, SIDE - 6].map((x) => 3 * (y * SIDE + x));
        const change = [5, 20, SIDE - 5]
          .flatMap(outside)
          .map((i) => Math.abs((rgb.data[i] as number) - (before.data[i] as number)));
        expect(Math.max(...change), `outside, ${label}`).toBeLessThan(10);
      }
    }
    expect(seen.length).toBeGreaterThan(40);
  });
});

/**
 * The mean of many redacted frames of one subject, each with its region a little elsewhere, as a video gives them;
 * the subject is a step, brought to the same place in every frame.
 */
function averaged(mode: 'blur' | 'gaussian' | 'pixelate', frames: number): { mean: RgbImage; region: Region } {
  const sum = new Float64Array(SIDE * SIDE * 3);
  const next = random(11);
  const still = regionOf(detect('face', [60, 60, 180, 180]), mode, SIDE, SIDE);
  for (let i = 0; i < frames; i++) {
    const [dx, dy, grow] = [next() * 24 - 12, next() * 24 - 12, next() * 8];
    const box = [60 + dx - grow, 60 + dy - grow, 180 + dx + grow, 180 + dy + grow] as const;
    const image = paint(SIDE, SIDE, (x) => (x < SIDE / 2 ? 6 : 249) + Math.round(next() * 12 - 6));
    redactInPlace({ rgb: image }, [regionOf(detect('face', box), mode, SIDE, SIDE)], { fill: FILL });
    image.data.forEach((v, k) => {
      sum[k] = (sum[k] as number) + v;
    });
  }
  return { mean: { data: Uint8Array.from(sum, (v) => v / frames), width: SIDE, height: SIDE }, region: still };
}

// An average over frames is a blur over the cells' places on top of the blur: it may not sharpen.
it.each([
  ['blur', 0.5],
  ['gaussian', 0.85],
  ['pixelate', 0.35],
] as const)('the mean of 30 frames is no sharper than %s says', (mode, least) => {
  const { mean, region } = averaged(mode, 30);
  const cell = region.shortSide / 6;
  expect(effectiveSigma(mean, region, Math.round(cell / 4))).toBeGreaterThan(least * cell);
});
