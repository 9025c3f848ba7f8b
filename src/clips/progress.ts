/** How far one clip is, counted in half frames: a frame is done when it was looked at and redacted. `stop` may be set at any time. */
export class ClipProgress {
  /** Half frames done by workers, and whether to stop: shared with them. */
  readonly counters = new SharedArrayBuffer(8);
  readonly #state = new Int32Array(this.counters);
  #kept = 0;

  /** Half frames done, those that an earlier run has done included. */
  get done(): number {
    return Atomics.load(this.#state, 0) + this.#kept;
  }

  /** Half frames that an earlier run has done. */
  get kept(): number {
    return this.#kept;
  }

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
  /** Frames, each of which counts as done once it was looked at and redacted; halves in between. */
  readonly done: number;
  /** Frames of `done` that an earlier run has done, in clips that it has not finished. */
  readonly kept: number;
  /** Frames of the clips that are known yet. */
  readonly total: number;
  readonly clips: number;
  readonly clipsDone: number;
}

/** How far all clips of a run are. */
export class ClipRunFrames {
  readonly #running = new Set<ClipProgress>();
  #total = 0;
  /** Of clips that have ended. */
  #done = 0;
  #kept = 0;
  #worked = 0;
  #isStopped = false;

  begin(): ClipProgress {
    const progress = new ClipProgress();
    this.#running.add(progress);
    if (this.#isStopped) progress.stop();
    return progress;
  }

  /** A clip that has begun was found to have so many frames. */
  expect(frames: number): void {
    this.#total += frames;
  }

  /** A clip is published or rejected, or the run stops: what is left of it will not be done. */
  end(progress: ClipProgress, frames: number): void {
    this.#running.delete(progress);
    this.#done += frames;
    this.#kept += progress.kept / 2;
    this.#worked += (progress.done - progress.kept) / 2;
  }

  /** Stops all clips that have begun, and those that will. */
  stop(): void {
    this.#isStopped = true;
    for (const progress of this.#running) progress.stop();
  }

  /** Frames that this run has done itself, in clips that have ended. */
  get worked(): number {
    return this.#worked;
  }

  get state(): Pick<ClipRunProgress, 'done' | 'kept' | 'total'> {
    const running = [...this.#running];
    const sum = (of: (progress: ClipProgress) => number): number =>
      running.reduce((total, progress) => total + of(progress), 0) / 2;
    return {
      done: Math.min(this.#total, Math.floor(this.#done + sum(({ done }) => done))),
      kept: Math.floor(this.#kept + sum(({ kept }) => kept)),
      total: this.#total,
    };
  }
}
