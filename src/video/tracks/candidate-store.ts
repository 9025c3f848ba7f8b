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
      const [sure, weak] = [this.#number(row, 1), this.#number(row, 2)];
      const boxes: Box[] = [];
      for (let i = row + 1; i <= row + sure + weak; i++) {
        boxes.push({ x1: this.#number(i, 0), y1: this.#number(i, 1), x2: this.#number(i, 2), y2: this.#number(i, 3) });
      }
      yield { frame: this.#number(row, 0), sure: boxes.slice(0, sure), weak: boxes.slice(sure) };
      row += 1 + boxes.length;
    }
  }

  #push(a: number, b: number, c: number, d: number): void {
    if (this.#rows === this.#chunks.length * ROWS) this.#chunks.push(new Float64Array(ROWS * COLUMNS));
    const chunk = this.#chunks.at(-1) as Float64Array;
    const to = (this.#rows % ROWS) * COLUMNS;
    chunk[to] = a;
    chunk[to + 1] = b;
    chunk[to + 2] = c;
    chunk[to + 3] = d;
    this.#rows++;
  }

  #number(row: number, column: number): number {
    return this.#chunks[Math.floor(row / ROWS)]?.[(row % ROWS) * COLUMNS + column] as number;
  }
}
