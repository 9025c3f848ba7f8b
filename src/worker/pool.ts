import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import type { Outcome, RejectedOutcome } from '../core/outcome.ts';
import type { SampleRef } from '../core/sample.ts';
import { ModelError } from '../errors.ts';
import type { DetectedSample, Job, Known, Reply, SegmentOutcome, SegmentTask, SinglePassOutcome, Task } from './job.ts';
import type { SinglePass } from './single-pass.ts';
import { Slots } from './slots.ts';

/** Hides the hand-off between threads: while one image is in a network, another is decoded or encoded. */
const IN_FLIGHT_PER_WORKER = 2;
/** Second chances of a sample whose worker died. */
const RETRIES = 2;

export interface PoolOptions {
  readonly workers: number;
  /** Built entry file of a worker. */
  readonly filename?: string;
  /** Seconds after which an unanswered sample is given up; the worker stops itself well before. */
  readonly giveUpAfter?: number;
}

/** No worker answered for the sample. */
interface GivenUp {
  readonly rejected: RejectedOutcome;
}

function givenUp(reason: string, message: string): GivenUp {
  return { rejected: { status: 'failed_to_anonymize', stage: 'worker', reason, message } };
}

/** Worker threads that each hold their own sessions. */
export class WorkerPool {
  /** Samples that can usefully be in work at the same time. */
  readonly capacity: number;
  readonly #piscina: Piscina;
  readonly #workers: number;
  readonly #giveUpAfter: number;
  #retries: Promise<unknown> = Promise.resolve();
  readonly #slots: Slots;
  readonly #running = new Set<Promise<unknown>>();
  #stuck = 0;
  #closed = false;

  constructor(job: Job, options: PoolOptions) {
    this.#workers = options.workers;
    this.capacity = options.workers * IN_FLIGHT_PER_WORKER;
    this.#slots = new Slots(this.capacity);
    this.#giveUpAfter = options.giveUpAfter ?? job.timeLimit * 3 + 30;
    this.#piscina = new Piscina({
      filename: options.filename ?? fileURLToPath(new URL('./worker.js', import.meta.url)),
      minThreads: options.workers,
      maxThreads: options.workers,
      concurrentTasksPerWorker: IN_FLIGHT_PER_WORKER,
      idleTimeout: Infinity,
      // Waiting in Atomics would block the thread while sharp works for it.
      atomics: 'disabled',
      workerData: job,
    });
    // A worker that dies between tasks is replaced; its next task tells if the replacement works.
    this.#piscina.on('error', () => {});
  }

  /**
   * Waits until the workers have opened their models and passed the self-check.
   * @returns the execution providers in use.
   * @throws ModelError when one could not.
   */
  async ready(): Promise<readonly string[]> {
    const checks = Array.from({ length: this.capacity }, () => this.#post({ kind: 'check' }));
    const providers = new Set<string>();
    for (const reply of await Promise.all(checks)) {
      if (reply.kind === 'fatal') throw new ModelError(reply.message);
      if (reply.kind === 'ready') for (const provider of reply.providers) providers.add(provider);
    }
    return [...providers].sort();
  }

  /** Most samples ever in work at once. */
  get peakInFlight(): number {
    return this.#slots.peak;
  }

  /**
   * Anonymizes one sample; any number of calls may wait for a worker. A worker that dies or hangs
   * costs only the sample that it did so on: what else it held is tried again.
   * @param group samples of one group get the same replacements.
   * @param known what need not be detected, and what a person says about it.
   * @throws ModelError when a worker reports that it cannot be trusted.
   */
  async process(ref: SampleRef, group = 0, known: Known = {}): Promise<Outcome> {
    const answer = await this.#answer({ kind: 'sample', ref, group, known });
    if ('rejected' in answer) return answer.rejected;
    if (answer.kind === 'outcome') return answer.outcome;
    throw new ModelError('Expected an outcome from a worker');
  }

  /**
   * Looks at one sample without anonymizing it; otherwise like `process`.
   * @throws ModelError when a worker reports that it cannot be trusted.
   */
  async detect(ref: SampleRef): Promise<DetectedSample | RejectedOutcome> {
    const answer = await this.#answer({ kind: 'detect', ref });
    if ('rejected' in answer) return answer.rejected;
    if (answer.kind === 'detected') return answer.outcome;
    throw new ModelError('Expected detections from a worker');
  }

  /**
   * Works on a part of a clip; otherwise like `process`.
   * @throws ModelError when a worker reports that it cannot be trusted.
   */
  async segment(task: SegmentTask): Promise<SegmentOutcome> {
    const answer = await this.#answer(task);
    if ('rejected' in answer) return answer.rejected;
    if (answer.kind === 'segment') return answer.outcome;
    throw new ModelError('Expected a part of a clip from a worker');
  }

  /**
   * Works on a clip that is read once, for as long as it lasts. A worker that dies costs the clip.
   * @throws ModelError when a worker reports that it cannot be trusted.
   */
  async pass(pass: SinglePass): Promise<SinglePassOutcome> {
    if (this.#closed) throw new Error('Expected an open pool but it has been closed');
    await this.#slots.take();
    const task: Task = { kind: 'single-pass', pass };
    const answer = this.#piscina.run(task, { transferList: pass.port ? [pass.port] : [] }) as Promise<Reply>;
    const settled = answer
      .catch((error: Error) => givenUp('worker-died', error.message))
      .finally(() => {
        this.#slots.free();
        this.#running.delete(settled);
      });
    this.#running.add(settled);
    const reply = await settled;
    if ('rejected' in reply) return reply.rejected;
    if (reply.kind === 'fatal') throw new ModelError(reply.message);
    if (reply.kind === 'passed') return reply.outcome;
    throw new ModelError('Expected a clip from a worker');
  }

  async #answer(task: Task): Promise<Reply | GivenUp> {
    if (this.#closed) throw new Error('Expected an open pool but it has been closed');
    const answer = this.#tryRepeatedly(task);
    this.#running.add(answer);
    try {
      return await answer;
    } finally {
      this.#running.delete(answer);
    }
  }

  async #tryRepeatedly(task: Task): Promise<Reply | GivenUp> {
    let reply = await this.#attempt(task);
    // A death takes down whatever else the worker held. Retries run one at a time, so that a sample
    // that kills its worker cannot take the same innocent one down again and again.
    for (let retry = 0; retry < RETRIES && 'death' in reply; retry++) {
      const turn = this.#retries.then(() => this.#attempt(task));
      this.#retries = turn.catch(() => {});
      reply = await turn;
    }
    return 'death' in reply ? givenUp('worker-died', reply.death) : reply;
  }

  /**
   * Waits for a slot before the clock starts: time spent in line is not the worker's.
   * @throws ModelError on a fatal reply, or when no worker is left.
   */
  async #attempt(task: Task): Promise<Reply | GivenUp | { readonly death: string }> {
    await this.#slots.take();
    const answer = this.#post(task);
    let reply: Reply | 'late';
    try {
      reply = await this.#withinLimit(answer);
    } catch (error) {
      this.#slots.free();
      return { death: (error as Error).message };
    }
    if (reply === 'late') return this.#abandon(answer);
    this.#slots.free();
    if (reply.kind === 'fatal') throw new ModelError(reply.message);
    return reply;
  }

  #post(task: Task): Promise<Reply> {
    return this.#piscina.run(task) as Promise<Reply>;
  }

  async #withinLimit<T>(work: Promise<T>): Promise<T | 'late'> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, this.#giveUpAfter * 1000, 'late');
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * The worker is left alone: ending a thread inside native code would take the whole process down.
   * Its slot is free again if it answers after all.
   * @throws ModelError when no worker is left.
   */
  #abandon(answer: Promise<Reply>): GivenUp {
    this.#stuck++;
    const recover = (): void => {
      this.#stuck--;
      this.#slots.free();
    };
    answer.then(recover, recover);
    if (this.#stuck === this.capacity) {
      const error = new ModelError(
        `Expected ${this.#workers} working threads but every one of them has stopped answering`,
      );
      this.#slots.refuse(error);
      throw error;
    }
    return givenUp('time-limit', `Expected an answer within ${this.#giveUpAfter} s but the worker gave none`);
  }

  /** Lets running calls end, since a thread must not be ended inside native code, then ends the threads. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#running);
    if (this.#stuck === 0) await this.#piscina.close({ force: false });
    else void this.#piscina.destroy().catch(() => {});
  }
}
