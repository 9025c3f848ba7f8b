import type { AttackProgress } from '../attack/attack.ts';
import type { ClipRunProgress, ClipStep } from '../clips/progress.ts';
import { CLASSES } from '../core/types.ts';
import type { EvaluateProgress } from '../eval/evaluate.ts';
import type { RunProgress } from '../run.ts';
import { duration, type Terminal } from './terminal.ts';

const REDRAW_MS = 100;
const PLAIN_LINE_MS = 10_000;
const BAR = 20;

interface Progress {
  readonly done: number;
  /** Done before, so that they say nothing of how fast it goes. */
  readonly kept?: number;
  /** Absent when nobody knows. */
  readonly total?: number;
  /** `total` is an estimate. */
  readonly isGuess?: boolean;
}

/** A line that is redrawn on a terminal, or a plain line now and then where there is none. */
export class ProgressLine<T extends Progress> {
  readonly #terminal: Terminal;
  readonly #counts: (progress: T) => readonly string[];
  readonly #rate: string;
  readonly #start = performance.now();
  #last = performance.now();
  #drawn = false;

  /**
   * @param counts what a job counts besides what is done, such as `quarantined 1`
   * @param rate what its speed is called.
   */
  constructor(terminal: Terminal, counts: (progress: T) => readonly string[], rate = 'img/s') {
    this.#rate = rate;
    this.#terminal = terminal;
    this.#counts = counts;
    if (terminal.interactive) this.#last = -Infinity;
  }

  update(progress: T): void {
    const now = performance.now();
    const { interactive } = this.#terminal;
    const done = progress.done === progress.total;
    if (now - this.#last < (interactive ? REDRAW_MS : PLAIN_LINE_MS) && !(interactive && done)) return;
    this.#last = now;
    const line = describeProgress(progress, this.#counts(progress), (now - this.#start) / 1000, this.#rate);
    if (!interactive) {
      this.#terminal.err(`${line}\n`);
      return;
    }
    const drawn = `${bar(progress)}${line}`;
    this.#terminal.err(`\r${drawn.slice(0, this.#terminal.columns - 1)}\u001b[K`);
    this.#drawn = true;
  }

  /** Clears the line, so that what follows starts on a fresh one. */
  end(): void {
    if (this.#drawn) this.#terminal.err('\r\u001b[K');
    this.#drawn = false;
  }
}

function bar({ done, total }: Progress): string {
  if (total === undefined) return '';
  const filled = Math.floor((done / Math.max(1, total)) * BAR);
  return `[${'#'.repeat(filled)}${'.'.repeat(BAR - filled)}] `;
}

/** `12/40  3.1 img/s  9.0 s left  face 7  body 3  quarantined 1` */
export function describeProgress(
  { done, kept = 0, total, isGuess = false }: Progress,
  counts: readonly string[],
  seconds: number,
  unit = 'img/s',
): string {
  const rate = (done - kept) / Math.max(seconds, 1e-9);
  const speed = `${rate.toFixed(1)} ${unit}`;
  if (total === undefined) return [`${done}`, speed, ...counts].join('  ');
  const left = rate > 0 ? duration((total - done) / rate) : '?';
  return [`${done}/${isGuess ? '~' : ''}${total}`, speed, ...(done < total ? [`${left} left`] : []), ...counts].join(
    '  ',
  );
}

/** The classes found so far, and what was left out. */
export function runCounts({ regions, rejected }: Progress & Pick<RunProgress, 'regions' | 'rejected'>): string[] {
  return [...CLASSES.filter((c) => regions[c] > 0).map((c) => `${c} ${regions[c]}`), `quarantined ${rejected}`];
}

const CLIP_STEP_NAMES: Readonly<Record<ClipStep, string>> = {
  open: 'counting frames',
  detect: 'detecting',
  track: 'following',
  pose: 'reading poses',
  redact: 'redacting',
  join: 'joining',
  verify: 'verifying',
  publish: 'publishing',
};

/** The clips that are done, and what is done with those in work. */
export function clipCounts({ clips, clipsDone, steps }: ClipRunProgress): string[] {
  return [
    `clips ${clipsDone}/${clips}`,
    ...(steps.length > 0 ? [steps.map((step) => CLIP_STEP_NAMES[step]).join(', ')] : []),
  ];
}

export function evalCounts({ failed }: EvaluateProgress): string[] {
  return [`not measured ${failed}`];
}

export function attackCounts({ failed }: AttackProgress): string[] {
  return [`not measured ${failed}`];
}
