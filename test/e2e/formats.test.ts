import { readFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import type { RgbImage } from '../../src/core/types.ts';
import { hiddenUnderAlpha, meanDifference, oriented, pixelFormats } from '../fixtures/images.ts';
import { anonymize, jsonLines, listing, photograph, sharedScratch, write } from './command.ts';

const WIDTH = 480;
const ORIENTATIONS = [1, 2, 3, 4, 5, 6, 7, 8];
/** sharp's name of a container by extension. */
const CONTAINERS: Readonly<Record<string, string>> = {
  avif: 'heif',
  gif: 'gif',
  jpg: 'jpeg',
  png: 'png',
  tiff: 'tiff',
  webp: 'webp',
};

const root = await sharedScratch();
let upright: RgbImage;
const names: string[] = [];
const at = (...parts: string[]): string => path.join(root, ...parts);

beforeAll(async () => {
  const photo = await photograph(5, WIDTH);
  const { data, info } = await sharp(photo).raw().toBuffer({ resolveWithObject: true });
  upright = { data: new Uint8Array(data), width: info.width, height: info.height };
  const files: Record<string, Uint8Array> = {
    'gif-still.gif': await sharp(photo).gif().toBuffer(),
    'avif-still.avif': await sharp(photo).avif({ quality: 70, effort: 0 }).toBuffer(),
    'alpha-webp.webp': (await hiddenUnderAlpha('webp')).bytes,
    'alpha-png.png': (await hiddenUnderAlpha('png')).bytes,
    'photo-alpha.png': await sharp(photo).ensureAlpha(0.5).png().toBuffer(),
  };
  for (const { name, format, bytes } of await pixelFormats(upright)) {
    files[`${name.replaceAll(' ', '-')}.${format === 'jpeg' ? 'jpg' : format}`] = bytes;
  }
  for (const n of ORIENTATIONS) files[`orientation-${n}.jpg`] = await oriented(upright, n, 'jpeg');
  for (const n of [3, 6]) files[`webp-orientation-${n}.webp`] = await oriented(upright, n, 'webp');
  await write(at('in'), files);
  names.push(...Object.keys(files).sort());
});

const RUNS = [
  { encode: 'keep', extension: (name: string) => path.extname(name).slice(1) },
  { encode: 'jpeg', extension: () => 'jpg' },
] as const;

describe.each(RUNS)('every kind of still image with --encode $encode', ({ encode, extension }) => {
  const out = (name = ''): string => at(`out-${encode}`, name);
  const published = (name: string): string => `${name.slice(0, name.lastIndexOf('.'))}.${extension(name)}`;
  let records: Map<string, { width: number; height: number; counts: Record<string, number> }>;

  beforeAll(async () => {
    const options = ['--format', 'folder', '--encode', encode, '--json', '--classes', 'face'];
    const ran = await anonymize([at('in'), '--out', out(), ...options]);
    expect(JSON.parse(ran.stdout)).toMatchObject({ reasons: {}, published: names.length });
    expect(ran.code).toBe(0);
    const log = await jsonLines(out('_anonymize/redactions/00000.jsonl'));
    records = new Map(log.map((record, i) => [names[i] as string, record]));
  });

  it('is published under its name, in the container that its extension says', async () => {
    const images = (await listing(out())).filter((file) => !file.startsWith('_anonymize/'));
    expect(images).toEqual(names.map(published).sort());
    for (const file of images) {
      const { format, exif, icc, xmp, pages } = await sharp(await readFile(out(file))).metadata();
      expect({ file, format, exif, icc, xmp, pages: pages ?? 1 }).toEqual({
        file,
        format: CONTAINERS[extension(file)],
        exif: undefined,
        icc: undefined,
        xmp: undefined,
        pages: 1,
      });
    }
  });

  it('shows its faces to the detector, upright', () => {
    const reference = records.get('orientation-1.jpg');
    expect(reference?.counts.face).toBeGreaterThanOrEqual(2);
    for (const [name, { width, height, counts }] of records) {
      if (name.startsWith('alpha-')) continue;
      expect({ name, width, height }).toEqual({ name, width: upright.width, height: upright.height });
      // Grey and palette pictures and lossy containers may lose a face at the threshold, not more.
      const least = name.includes('orientation-') ? (reference?.counts.face as number) : 1;
      expect(counts.face, name).toBeGreaterThanOrEqual(least);
    }
  });

  it('is published upright with the same picture in all 8 orientations', async () => {
    const decoded = async (name: string) => {
      const { data, info } = await sharp(await readFile(out(published(name))))
        .raw()
        .toBuffer({ resolveWithObject: true });
      expect([info.width, info.height], name).toEqual([upright.width, upright.height]);
      return new Uint8Array(data);
    };
    const first = await decoded('orientation-1.jpg');
    for (const n of ORIENTATIONS) {
      expect(meanDifference(await decoded(`orientation-${n}.jpg`), first), `orientation ${n}`).toBeLessThan(2);
    }
  });

  it.each(['png', 'webp'] as const)('shows nothing of the colour under transparent pixels of %s', async (format) => {
    const { width, isHidden } = await hiddenUnderAlpha(format);
    const file = await readFile(out(published(`alpha-${format}.${format}`)));
    const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
    const shown = new Set<string>();
    for (const [i, hidden] of isHidden.entries()) {
      // JPEG smears the border of the hidden half into its 8 × 8 blocks.
      if (hidden && i % width < 8) shown.add(data.subarray(i * info.channels, (i + 1) * info.channels).join(' '));
    }
    expect([...shown]).toEqual([encode === 'keep' ? '0 0 0 0' : '255 255 255']);
  });
});
