import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { LabelLoss } from '../core/labels.ts';
import type { Detection } from '../core/types.ts';
import { UsageError } from '../errors.ts';
import { indexOf, LEDGER } from './ledger-files.ts';
import { placedLines } from './lines.ts';

/** The detections that a private folder keeps, read sample by sample: only their places are in memory. */
export class StoredDetections {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #places: ReadonlyMap<number, { readonly offset: number; readonly length: number }>;

  /** @throws UsageError when the folder has no such log. */
  static async open(folder: string): Promise<StoredDetections> {
    const path = join(folder, LEDGER.detections);
    const file = await open(path, 'r').catch((cause: NodeJS.ErrnoException) => {
      throw new UsageError(`Expected the private folder of a run but ${path} cannot be read (${cause.code})`, {
        cause,
      });
    });
    try {
      const places = new Map<number, { offset: number; length: number }>();
      // A sample that was done again stands there twice until its run is finished: the last line counts.
      for await (const { offset, line } of placedLines(path)) {
        places.set(indexOf(line, path), { offset, length: Buffer.byteLength(line) });
      }
      return new StoredDetections(path, file, places);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  private constructor(
    path: string,
    file: FileHandle,
    places: ReadonlyMap<number, { readonly offset: number; readonly length: number }>,
  ) {
    this.#path = path;
    this.#file = file;
    this.#places = places;
  }

  /** Undefined for a sample that was not published. @throws UsageError for a damaged line. */
  async of(
    index: number,
  ): Promise<{ readonly detections: readonly Detection[]; readonly labels?: readonly LabelLoss[] } | undefined> {
    const place = this.#places.get(index);
    if (place === undefined) return undefined;
    const bytes = Buffer.alloc(place.length);
    await this.#file.read(bytes, 0, place.length, place.offset);
    try {
      const { detections, labels } = JSON.parse(bytes.toString('utf8')) as {
        detections: Detection[];
        labels?: LabelLoss[];
      };
      return { detections, ...(labels ? { labels } : {}) };
    } catch (cause) {
      throw new UsageError(`Expected the detections of sample ${index} in ${this.#path} but its line is damaged`, {
        cause,
      });
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}
