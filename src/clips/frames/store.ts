import { chmod, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { PublishedOutcome } from '../../core/outcome.ts';
import { asOutputError, sha256OfFile } from '../../io/atomic.ts';
import { privatePath } from '../../io/private-files.ts';
import { readPrivateFile, writePrivateFile } from '../../io/private-lines.ts';
import { jsonLines } from '../../io/records.ts';
import type { Seal } from '../../io/seal.ts';
import type { RedactedFrame } from '../../worker/frames.ts';

/**
 * The redacted images of one clip in its private folder, segment by segment: a file of images, one after the other, and
 * one of what each is, which is written last and makes the segment count. No pixel of the source is in them. Where the
 * private folder is encrypted, all but the images is: these are what is published.
 */
export class FrameStore {
  readonly #folder: string;
  readonly #seal: Seal | undefined;

  /** @param folder private folder of the work on the clip. @param seal what it is encrypted with, if it is. */
  constructor(folder: string, seal: Seal | undefined) {
    this.#folder = folder;
    this.#seal = seal;
  }

  /** Where a worker writes the images of a segment; `keep` gives the file its name. */
  unfinished(segment: number): string {
    return `${this.#imagesFile(segment)}.tmp`;
  }

  /** Whether the images of a segment are there, whole. */
  async has(segment: number): Promise<boolean> {
    const [first] = await this.#lines(segment);
    if (first === undefined) return false;
    const sha256 = await sha256OfFile(this.#imagesFile(segment)).catch(() => undefined);
    return (JSON.parse(first) as { readonly sha256: string }).sha256 === sha256;
  }

  /** @throws OutputError */
  async keep(segment: number, frames: readonly RedactedFrame[]): Promise<void> {
    const unfinished = this.unfinished(segment);
    try {
      const sha256 = await sha256OfFile(unfinished);
      await chmod(unfinished, 0o600);
      await rename(unfinished, this.#imagesFile(segment));
      await writePrivateFile(this.#folder, framesFile(segment), jsonLines([{ sha256 }, ...frames]), this.#seal);
    } catch (error) {
      throw asOutputError(unfinished, error);
    }
  }

  /**
   * The images of a segment, in order.
   * @param isWanted others are passed over without being read.
   * @throws OutputError when the segment is not there.
   */
  async *images(
    segment: number,
    isWanted: (frame: number) => boolean,
  ): AsyncGenerator<{ readonly frame: number; readonly outcome: PublishedOutcome }> {
    const path = this.#imagesFile(segment);
    const [, ...lines] = await this.#lines(segment);
    const file = await open(path, 'r').catch((error: unknown) => {
      throw asOutputError(path, error);
    });
    try {
      let offset = 0;
      for (const line of lines) {
        const { frame, length, detections, format, record } = JSON.parse(line) as RedactedFrame;
        if (isWanted(frame)) {
          const bytes = new Uint8Array(length);
          await file.read(bytes, 0, length, offset);
          yield { frame, outcome: { status: 'verified', bytes, format, record, detections, timings: {} } };
        }
        offset += length;
      }
    } finally {
      await file.close();
    }
  }

  async remove(segment: number): Promise<void> {
    const frames = privatePath(this.#folder, framesFile(segment), this.#seal !== undefined);
    for (const file of [frames, this.#imagesFile(segment), this.unfinished(segment)]) {
      await rm(file, { force: true });
    }
  }

  async #lines(segment: number): Promise<string[]> {
    const text = await readPrivateFile(this.#folder, framesFile(segment), this.#seal);
    return (text ?? '').split('\n').filter((line) => line !== '');
  }

  #imagesFile(segment: number): string {
    return join(this.#folder, `frames-${numbered(segment)}.images`);
  }
}

function framesFile(segment: number): string {
  return `frames-${numbered(segment)}.jsonl`;
}

function numbered(segment: number): string {
  return String(segment).padStart(5, '0');
}
