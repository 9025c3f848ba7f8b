import { ClipProgress } from '../anonymize-clip.ts';

export interface FrameRunProgress {
  /** Frames that were looked at, and images that were made. */
  readonly done: number;
  /** Of the clips that are known yet. */
  readonly total: number;
  readonly clips: number;
  readonly clipsDone: number;
}

/** How far the work on all clips of a run is; it may be stopped at any time. */
export class ClipsProgress {
  readonly #running = new Set<ClipProgress>();
  #total = 0;
  #done = 0;
  #clipsDone = 0;
  #isStopped = false;

  begin(): ClipProgress {
    const progress = new ClipProgress();
    this.#running.add(progress);
    if (this.#isStopped) progress.stop();
    return progress;
  }

  /** A clip was opened that takes so many steps. */
  expect(steps: number): void {
    this.#total += steps;
  }

  /** @param steps that were expected of a clip that is done or refused; undefined for one that was stopped. */
  end(progress: ClipProgress, steps: number | undefined): void {
    this.#running.delete(progress);
    this.#done += steps ?? progress.done;
    if (steps !== undefined) this.#clipsDone++;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Stops the clips that have begun, and those that will. */
  stop(): void {
    this.#isStopped = true;
    for (const progress of this.#running) progress.stop();
  }

  get state(): Omit<FrameRunProgress, 'clips'> {
    const done = [...this.#running].reduce((sum, progress) => sum + progress.done, this.#done);
    return { done: Math.min(done, this.#total), total: this.#total, clipsDone: this.#clipsDone };
  }
}
