import { SampleError, type Stage } from '../errors.ts';

/** Knows the current stage, the time each one took, and when the sample has had enough. */
export class StageClock {
  stage: Stage = 'read';
  readonly timings: Record<string, number> = {};
  readonly #deadline: number;
  #since = performance.now();

  constructor(limitSeconds: number) {
    this.#deadline = this.#since + limitSeconds * 1000;
  }

  enter(stage: Stage): void {
    this.stop();
    this.stage = stage;
    this.check();
  }

  /** Books the time of the current stage. */
  stop(): void {
    const now = performance.now();
    this.timings[this.stage] = (this.timings[this.stage] ?? 0) + now - this.#since;
    this.#since = now;
  }

  check(): void {
    if (performance.now() > this.#deadline) {
      throw new SampleError(
        this.stage,
        'time-limit',
        `Expected to be done in time but the limit ran out in ${this.stage}`,
      );
    }
  }

  /** Whole seconds until the deadline, at least one. */
  secondsLeft(): number {
    return Math.max(1, Math.ceil((this.#deadline - performance.now()) / 1000));
  }
}
