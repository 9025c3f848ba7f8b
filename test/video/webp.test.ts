import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { probeClip } from '../../src/video/probe.ts';
import { ffmpeg, LIMITS, numberedFrame, scratchFolder, tools } from './clips.ts';
import { numbersOf, range, roundTrip } from './round-trip.ts';

const folder = scratchFolder();
afterAll(folder.remove);

const DELAYS = [40, 70, 20, 10, 500, 40, 30, 90];
/** Browsers show a frame that asks for ten milliseconds for a hundred. */
const TIMES = [0, 40, 110, 130, 230, 730, 770, 800];

async function animation(name: string): Promise<string> {
  const frames = DELAYS.map((_, n) => numberedFrame(160, 96, n));
  const path = join(folder.path, name);
  const all = Buffer.concat(frames.map(({ data }) => data));
  const raw = { width: 160, height: 96 * frames.length, channels: 3, pageHeight: 96 } as const;
  writeFileSync(path, await sharp(all, { raw }).webp({ lossless: true, delay: DELAYS }).toBuffer());
  return path;
}

describe('animated WebP', () => {
  it('has its frames and times, without ffmpeg', async () => {
    const clip = await probeClip(tools, await animation('a.webp'), LIMITS);
    expect(clip).toMatchObject({ width: 160, height: 96, pts: TIMES, duration: 890, timeBase: { num: 1, den: 1000 } });
    expect(await numbersOf(clip)).toEqual(range(0, 8));
    expect(await numbersOf(clip, 3, 6)).toEqual(range(3, 6));
  });

  it('that ends early is refused', async () => {
    const bytes = readFileSync(await animation('b.webp'));
    const path = join(folder.path, 'cut.webp');
    writeFileSync(path, bytes.subarray(0, bytes.length * 0.6));
    await expect(probeClip(tools, path, LIMITS)).rejects.toMatchObject({ stage: 'decode', reason: 'truncated' });
  });

  it.skipIf(ffmpeg === undefined)('becomes an mp4 of the same times (needs ffmpeg)', async () => {
    const { published } = await roundTrip(folder.path, await animation('c.webp'), 'mp4');
    expect(published).toMatchObject({ pts: TIMES, duration: 890 });
    expect(await numbersOf(published)).toEqual(range(0, 8));
  });
});
