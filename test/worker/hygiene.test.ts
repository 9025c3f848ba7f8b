import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { FORMATS, type ImageFormat, MODES } from '../../src/core/types.ts';
import { scanContainer } from '../../src/image/container.ts';
import { processSample } from '../../src/worker/process.ts';
import { digestPlaces, placesOf } from '../fixtures/canary-search.ts';
import { MARK } from '../fixtures/fuzz-inputs.ts';
import { foreignStructures } from '../fixtures/image-structures.ts';
import { hiddenUnderAlpha, photo, pixelFormats, planted } from '../fixtures/images.ts';
import { jobWithoutNetworks, networksThatSee } from '../fixtures/without-networks.ts';

const ENCODINGS = ['keep', 'jpeg', 'png', 'webp'] as const;
const inputs: { name: string; format: ImageFormat; bytes: Buffer; canaries: readonly string[] }[] = [];

beforeAll(async () => {
  for (const format of FORMATS) {
    inputs.push({ name: `planted ${format}`, format, ...(await planted(photo(72, 48), format)) });
  }
  for (const format of ['png', 'webp', 'tiff', 'avif'] as const) {
    inputs.push({ name: `alpha ${format}`, format, canaries: [], bytes: (await hiddenUnderAlpha(format)).bytes });
  }
  // The second picture of an AVIF with alpha, under another name.
  const gainMap = (await hiddenUnderAlpha('avif')).bytes;
  gainMap.write('apple:photo:2020:aux:hdrgainmap', gainMap.indexOf('mpegB:cicp:systems:auxiliary:alpha'), 'latin1');
  inputs.push({ name: 'avif with a gain map', format: 'avif', canaries: [], bytes: gainMap });
  for (const file of await pixelFormats(photo(72, 48))) inputs.push({ ...file, canaries: [] });
});

it('the walkers of published files see what a source is full of', async () => {
  for (const { name, format, bytes } of inputs.slice(0, FORMATS.length)) {
    expect(foreignStructures(bytes, format).length, name).toBeGreaterThan(2);
  }
  const [first] = inputs;
  const found = digestPlaces(new Map([['a', Buffer.from('0cc175b9c0f1b6a831c399e269772661')]]), new Map([['x', 'a']]));
  expect(found).toEqual(['digest of x']);
  expect(placesOf(new Map([[`x-${MARK}`, Buffer.from(`..${MARK}`, 'utf16le')]]), MARK)).toHaveLength(2);
  expect(first?.canaries.length).toBeGreaterThan(20);
});

describe.each(MODES.filter((mode) => mode !== 'none'))('%s', (mode) => {
  it.each(ENCODINGS)('publishes nothing but pixels of any input as %s', async (encode) => {
    const job = jobWithoutNetworks(mode, { encode });
    for (const [n, { name, format, bytes, canaries }] of inputs.entries()) {
      const outcome = await processSample(bytes, job, networksThatSee, n);
      if (outcome.status !== 'verified') throw new Error(`${name}: ${outcome.reason}: ${outcome.message}`);
      const { record, detections: _, timings: __, bytes: image, ...rest } = outcome;
      expect(record.regions.map((region) => region.class).sort(), name).toEqual(['body', 'face', 'plate', 'text']);
      expect(rest.format, name).toBe(encode === 'keep' ? format : encode);
      expect(foreignStructures(Buffer.from(image), rest.format), name).toEqual([]);
      const files = new Map([
        ['image', Buffer.from(image)],
        ['record', Buffer.from(JSON.stringify(record))],
      ]);
      expect(
        [MARK, ...canaries].flatMap((canary) => placesOf(files, canary)),
        name,
      ).toEqual([]);
      const pixels = await sharp(bytes).raw().toBuffer();
      expect(
        digestPlaces(
          files,
          new Map([
            ['bytes', bytes],
            ['pixels', pixels],
          ]),
        ),
        name,
      ).toEqual([]);
      expect(record.stripped, name).toEqual(scanContainer(bytes).kinds);
    }
  });
});
