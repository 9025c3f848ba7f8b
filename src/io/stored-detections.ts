import { type FileHandle, open } from 'node:fs/promises';
import type { LabelLoss } from '../core/labels.ts';
import type { Detection } from '../core/types.ts';
import { UsageError } from '../errors.ts';
import { indexOf } from './ledger-files.ts';
import { LEDGER, privatePath } from './private-files.ts';
import { assertOpen, type LinePlace, LineReader, placedPrivateLines } from './private-lines.ts';
import type { Seal } from './seal.ts';

/** The detections that a private folder keeps, read sample by sample: only their places are in memory. */
export class StoredDetections {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #places: ReadonlyMap<number, LinePlace>;
  readonly #reader: LineReader;

  /** @throws UsageError when the folder has no such log, or is encrypted and `seal` is missing. */
  static async open(folder: string, seal?: Seal): Promise<StoredDetections> {
    assertOpen(folder, seal);
    const path = privatePath(folder, LEDGER.detections, seal !== undefined);
    const file = await open(path, 'r').catch((cause: NodeJS.ErrnoException) => {
      throw new UsageError(`Expected the private folder of a run but ${path} cannot be read (${cause.code})`, {
        cause,
      });
    });
    try {
      const places = new Map<number, LinePlace>();
      // A sample that was done again stands there twice until its run is finished: the last line counts.
      for await (const { line, place } of placedPrivateLines(folder, LEDGER.detections, seal)) {
        places.set(indexOf(line, path), place);
      }
      return new StoredDetections(path, file, places, seal);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  private constructor(path: string, file: FileHandle, places: ReadonlyMap<number, LinePlace>, seal: Seal | undefined) {
    this.#path = path;
    this.#reader = new LineReader(path, file, seal);
    this.#file = file;
    this.#places = places;
  }

  /** Undefined for a sample that was not published. @throws UsageError for a damaged line. */
  async of(
    index: number,
  ): Promise<{ readonly detections: readonly Detection[]; readonly labels?: readonly LabelLoss[] } | undefined> {
    const place = this.#places.get(index);
    if (place === undefined) return undefined;
    const line = await this.#reader.read(place);
    try {
      const { detections, labels } = JSON.parse(line) as { detections: Detection[]; labels?: LabelLoss[] };
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
