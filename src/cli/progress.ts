import { CLASSES } from '../core/types.ts';
import type { RunProgress } from '../run.ts';
import { duration, type Terminal } from './terminal.ts';

const REDRAW_MS = 100;
const PLAIN_LINE_MS = 10_000;
const BAR = 20;

/** A line that is redrawn on a terminal, or a plain line now and then where there is none. */
export class ProgressLine {
  readonly #terminal: Terminal;
  readonly #start = performance.now();
  #last = performance.now();
  #drawn = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    if (terminal.interactive) this.#last = -Infinity;
  }

  update(progress: RunProgress): void {
    const now = performance.now();
    const { interactive } = this.#terminal;
    const done = progress.done === progress.total;
    if (now - this.#last < (interactive ? REDRAW_MS : PLAIN_LINE_MS) && !(interactive && done)) return;
    this.#last = now;
    const line = describeProgress(progress, (now - this.#start) / 1000);
    if (!interactive) {
      this.#terminal.err(`${line}\n`);
      return;
    }
    const filled = Math.floor((progress.done / Math.max(1, progress.total)) * BAR);
    const drawn = `[${'#'.repeat(filled)}${'.'.repeat(BAR - filled)}] ${line}`;
    this.#terminal.err(`\r${drawn.slice(0, this.#terminal.columns - 1)}\u001b[K`);
    this.#drawn = true;
  }

  /** Clears the line, so that what follows starts on a fresh one. */
  end(): void {
    if (this.#drawn) this.#terminal.err('\r\u001b[K');
    this.#drawn = false;
  }
}

/** `12/40  3.1 img/s  9.0 s left  face 7  body 3  quarantined 1`, with the classes found so far */
export function describeProgress(progress: RunProgress, seconds: number): string {
  const rate = progress.done / Math.max(seconds, 1e-9);
  const left = rate > 0 ? duration((progress.total - progress.done) / rate) : '?';
  const regions = CLASSES.filter((c) => progress.regions[c] > 0).map((c) => `${c} ${progress.regions[c]}`);
  return [
    `${progress.done}/${progress.total}`,
    `${rate.toFixed(1)} img/s`,
    ...(progress.done < progress.total ? [`${left} left`] : []),
    ...regions,
    `quarantined ${progress.rejected}`,
  ].join('  ');
}
