import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { expect, onTestFinished } from 'vitest';
import { UsageError } from '../../../src/errors.ts';
import type { LabelSet } from '../../../src/eval/labels/types.ts';

/** Content by POSIX path: text, bytes, or an object to be written as JSON. */
export type Files = Readonly<Record<string, string | Buffer | object>>;

/** An image in name only, for formats whose readers do not open images. */
export const PIXELS = Buffer.from('not opened');

/** Writes files into a folder of the test's own, which is removed when it ends. */
export async function dataset(files: Files): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'anonymize-labels-')));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [path, content] of Object.entries(files)) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, typeof content === 'string' || Buffer.isBuffer(content) ? content : JSON.stringify(content));
  }
  return folder;
}

/** @param orientation EXIF orientation, 1 to 8. */
export function jpeg(width: number, height: number, orientation = 1): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background: 'grey' } })
    .withMetadata({ orientation })
    .jpeg()
    .toBuffer();
}

/** Expects a UsageError whose message matches every pattern. */
export async function expectUsageError(action: Promise<unknown>, ...patterns: RegExp[]): Promise<void> {
  const error = await action.then(
    (value) => expect.fail(`expected an error but received ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(UsageError);
  for (const pattern of patterns) expect((error as Error).message).toMatch(pattern);
}

/** A label set in short: per image its name, the classes, and `class x1 y1 x2 y2` of every object, `!` when ignored. */
export function brief(set: LabelSet): Record<string, string[]> {
  const round = (value: number): number => Math.round(value * 1000) / 1000;
  return Object.fromEntries(
    set.images.map((image) => [
      `${image.name} [${image.labelled.join(' ')}]`,
      image.objects.map(
        ({ class: cls, box, ignore }) =>
          `${cls} ${[box.x1, box.y1, box.x2, box.y2].map(round).join(' ')}${ignore ? ' !' : ''}`,
      ),
    ]),
  );
}
