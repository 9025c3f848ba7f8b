import { fillConfig, type Options } from './config.ts';
import type { VerifiedRecord } from './core/outcome.ts';
import { SampleError } from './errors.ts';
import { prepareJob } from './prepare.ts';
import { Groups } from './pseudonyms.ts';
import { WorkerPool } from './worker/pool.ts';

/** Options of a run but for what only files need. */
export type AnonymizerOptions = Partial<
  Omit<
    Options,
    | 'inputs'
    | 'fromFile'
    | 'out'
    | 'privateDir'
    | 'format'
    | 'labels'
    | 'keep'
    | 'samplesPerShard'
    | 'overwrite'
    | 'resume'
    | 'retryFailed'
  >
>;

/** An anonymized image and what was done to it. */
export interface Anonymized {
  /** Encoded and re-opened image, without metadata. */
  readonly bytes: Uint8Array;
  readonly record: Omit<VerifiedRecord, 'key' | 'file'>;
}

export interface Anonymizer {
  /**
   * Anonymizes one encoded image. Calls may overlap; up to two per worker run at a time.
   * @param options.pseudonym with `pseudonyms: 'stable'`, images of one name share their synthetic replacements.
   * @throws SampleError when the image cannot be published; ModelError when the models are unusable;
   * Error after `close`.
   */
  process(bytes: Uint8Array, options?: { readonly pseudonym?: string }): Promise<Anonymized>;
  /** Waits for running calls and ends the workers. */
  close(): Promise<void>;
}

/**
 * Opens the models in worker threads, checks them, and anonymizes images one by one.
 *
 * @example
 * const anonymizer = await createAnonymizer({ classes: ['face', 'plate'] });
 * const { bytes, record } = await anonymizer.process(await readFile('street.jpg'));
 * await anonymizer.close();
 *
 * @throws UsageError for a wrong option, ModelError for a model that is missing or unusable.
 */
export async function createAnonymizer(options: AnonymizerOptions = {}): Promise<Anonymizer> {
  const config = fillConfig({ ...options, inputs: ['-'], out: 'unused' });
  const pool = new WorkerPool(await prepareJob(config), { workers: config.workers });
  try {
    await pool.ready();
  } catch (error) {
    await pool.close();
    throw error;
  }
  const groups = new Groups(config.pseudonyms);
  return {
    async process(bytes, { pseudonym = '' } = {}) {
      // A view is sent to a worker with the whole buffer below it.
      const own = bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
      const outcome = await pool.process({ kind: 'bytes', bytes: own }, groups.numberOf(pseudonym));
      if (outcome.status !== 'verified') throw new SampleError(outcome.stage, outcome.reason, outcome.message);
      return { bytes: outcome.bytes, record: outcome.record };
    },
    close: () => pool.close(),
  };
}
