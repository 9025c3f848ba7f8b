import type { Box } from '../../core/types.ts';
import type { Candidates } from './associate.ts';

/** Rows that are allocated at once. */
const ROWS = 4096;
/** Numbers of a row: the sides of a box, or a frame and how many boxes it has that are sure, and weak. */
const COLUMNS = 4;

/**
 * Candidates of one class in all frames of a clip, which are needed at once: 32 bytes for each of them, and 32 for each
 * frame that has any. Frames without are left out.
 */
export class CandidateStore implements Iterable<Candidates> {
  readonly #chunks: Float64Array[] = [];
  #rows = 0;

  /** Takes those of the next frame. */
  add({ frame, sure, weak }: Candidates): void {
    if (sure.length + weak.length === 0) return;
    this.#push(frame, sure.length, weak.length, 0);
    for (const { x1, y1, x2, y2 } of [...sure, ...weak]) this.#push(x1, y1, x2, y2);
  }

  *[Symbol.iterator](): Generator<Candidates> {
    for (let row = 0; row < this.#rows; ) {
      const [frame, sure, weak] = this.#row(row) as unknown as [number, number, number];
      const boxes = Array.from({ length: sure + weak }, (_, i) => this.#box(row + 1 + i));
      yield { frame, sure: boxes.slice(0, sure), weak: boxes.slice(sure) };
      row += 1 + boxes.length;
    }
  }

  #push(...numbers: readonly number[]): void {
    if (this.#rows === this.#chunks.length * ROWS) this.#chunks.push(new Float64Array(ROWS * COLUMNS));
    (this.#chunks.at(-1) as Float64Array).set(numbers, (this.#rows % ROWS) * COLUMNS);
    this.#rows++;
  }

  #row(row: number): Float64Array {
    const at = (row % ROWS) * COLUMNS;
    return (this.#chunks[Math.floor(row / ROWS)] as Float64Array).subarray(at, at + COLUMNS);
  }

  #box(row: number): Box {
    const [x1, y1, x2, y2] = this.#row(row) as unknown as [number, number, number, number];
    return { x1, y1, x2, y2 };
  }
}
