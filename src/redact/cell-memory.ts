import type { Region } from '../core/types.ts';
import type { CellGrid } from './cells.ts';

/** Frames over which the colours of a followed region are averaged. */
export const REMEMBERED = 8;

interface Remembered {
  readonly columns: number;
  readonly rows: number;
  /** Colours of the latest frames, the newest last. */
  readonly values: Float64Array[];
  frame: number;
}

/**
 * The colours of followed regions over the last frames of a clip, so that a blur does not shimmer.
 *
 * A cell shows its mean over up to `REMEMBERED` frames in a row in which the region was divided into as many cells.
 * The mean of grids is a grid of the same cells: nothing becomes finer by it, and who subtracts frames from each other
 * finds an eighth of a change. What is shown depends on these frames alone, so that a clip may be redacted in parts.
 */
export class CellMemory {
  readonly #tracks = new Map<string, Remembered>();
  #frame = 0;

  /** To be called before each frame, in their order. */
  next(): void {
    for (const [key, { frame }] of this.#tracks) if (frame < this.#frame) this.#tracks.delete(key);
    this.#frame++;
  }

  /** The grid with the mean colours of the frames up to this one; unchanged for a region that is not followed. */
  average({ class: cls, track }: Region, grid: CellGrid): CellGrid {
    if (track === undefined) return grid;
    const key = `${cls} ${track}`;
    const before = this.#tracks.get(key);
    const { count: columns } = grid.x;
    const { count: rows } = grid.y;
    const isAlike = before !== undefined && before.columns === columns && before.rows === rows;
    const values = [...(isAlike ? before.values.slice(1 - REMEMBERED) : []), grid.value];
    this.#tracks.set(key, { columns, rows, values, frame: this.#frame });
    if (values.length === 1) return grid;
    const mean = new Float64Array(grid.value.length);
    for (const value of values)
      for (let i = 0; i < mean.length; i++) mean[i] = (mean[i] as number) + (value[i] as number);
    return { ...grid, value: mean.map((sum) => sum / values.length) };
  }
}
