export const CLIP_STEPS = ['open', 'detect', 'track', 'pose', 'redact', 'join', 'verify', 'publish'] as const;
/**
 * What is done with a clip, in this order; `pose` where faces are drawn. Frames are counted in `detect`, `pose` and `redact`.
 */
export type ClipStep = (typeof CLIP_STEPS)[number];

/** How far one clip is. Each frame is done in as many parts as there are passes over the clip. */
export class ClipProgress {
  /** Frames done by workers in all passes together, and whether to stop: shared with them. */
  readonly counters = new SharedArrayBuffer(8);
  readonly passes: number;
  readonly #state = new Int32Array(this.counters);
  readonly #onStep: (step: ClipStep) => void;
  #step: ClipStep = 'open';
  #kept = 0;
  /** Frames of the clip, once they are known. */
  frames: number | undefined;

  /** @param passes over the clip in which every frame is done. */
  constructor(passes: number, onStep: (step: ClipStep) => void = () => {}) {
    this.passes = passes;
    this.#onStep = onStep;
  }

  get step(): ClipStep {
    return this.#step;
  }

  enter(step: ClipStep): void {
    this.#step = step;
    this.#onStep(step);
  }

  /** Frames done, those that an earlier run has done included; what a worker had to do again counts once. */
  get done(): number {
    return Math.min(this.frames ?? Infinity, (Atomics.load(this.#state, 0) + this.#kept) / this.passes);
  }

  /** Frames that an earlier run has done. */
  get kept(): number {
    return this.#kept / this.passes;
  }

  /** One pass over so many frames was done by an earlier run, or is not needed. */
  keep(frames: number): void {
    this.#kept += frames;
  }

  get isStopped(): boolean {
    return Atomics.load(this.#state, 1) === 1;
  }

  stop(): void {
    Atomics.store(this.#state, 1, 1);
  }
}

export interface ClipRunProgress {
  /** Frames, each of which counts as done once it was looked at and redacted; parts in between. */
  readonly done: number;
  /** Frames of `done` that an earlier run has done, in clips that it has not finished. */
  readonly kept: number;
  /** Frames of all clips; absent before the first one is opened, and when they are read once. */
  readonly total?: number;
  /** Some clips are not opened yet: `total` takes them to have as many frames a byte as those that are. */
  readonly isGuess: boolean;
  readonly clips: number;
  readonly clipsDone: number;
  /** What is done with the clips that are in work. */
  readonly steps: readonly ClipStep[];
}

/** How far all clips of a run are. */
export class ClipRunFrames {
  readonly #running = new Set<ClipProgress>();
  /** Frames of clips that have ended. */
  #done = 0;
  #kept = 0;
  /** Frames and bytes of clips that are or were in work, and bytes of those that nobody has opened. */
  #frames = 0;
  #bytes = 0;
  #unopened: number;
  #isStopped = false;

  /** @param bytes of all clips. */
  constructor(bytes: number) {
    this.#unopened = bytes;
  }

  begin(passes: number, onStep?: (step: ClipStep) => void): ClipProgress {
    const progress = new ClipProgress(passes, onStep);
    this.#running.add(progress);
    if (this.#isStopped) progress.stop();
    return progress;
  }

  /** A clip of so many bytes will not be counted: an earlier run has done it, it cannot be opened, or it is read once. */
  pass(bytes: number): void {
    this.#unopened -= bytes;
  }

  /** A clip that has begun was found to have so many frames. */
  expect(progress: ClipProgress, frames: number, bytes: number): void {
    progress.frames = frames;
    this.#frames += frames;
    this.#bytes += bytes;
    this.#unopened -= bytes;
  }

  /** A clip is published or rejected, or the run stops: what is left of it will not be done. */
  end(progress: ClipProgress): void {
    this.#running.delete(progress);
    this.#frames -= (progress.frames ?? progress.done) - progress.done;
    this.#done += progress.done;
    this.#kept += progress.kept;
  }

  /** Stops all clips that have begun, and those that will. */
  stop(): void {
    this.#isStopped = true;
    for (const progress of this.#running) progress.stop();
  }

  /** Frames that this run has done itself. */
  get worked(): number {
    return this.#sum(this.#done - this.#kept, ({ done, kept }) => done - kept);
  }

  get state(): Omit<ClipRunProgress, 'clips' | 'clipsDone'> {
    const isGuess = this.#unopened > 0;
    const guessed = isGuess ? (this.#frames * this.#unopened) / this.#bytes : 0;
    return {
      done: Math.floor(this.#sum(this.#done, ({ done }) => done)),
      kept: Math.floor(this.#sum(this.#kept, ({ kept }) => kept)),
      ...(this.#bytes > 0 && { total: Math.round(this.#frames + guessed) }),
      isGuess,
      steps: [...new Set([...this.#running].map(({ step }) => step))],
    };
  }

  #sum(ended: number, of: (progress: ClipProgress) => number): number {
    return [...this.#running].reduce((sum, progress) => sum + of(progress), ended);
  }
}
