import { fillConfig } from './config.ts';
import type { VerifiedRecord } from './core/outcome.ts';
import { SampleError, UsageError } from './errors.ts';
import { type GivenBox, givenDetections } from './known/boxes.ts';
import type { Options } from './options.ts';
import { GIVEN, prepareJob, prepareWithoutDetectors } from './prepare.ts';
import { Groups } from './run/pseudonyms.ts';
import type { Known } from './worker/job.ts';
import { WorkerPool } from './worker/pool.ts';

/** Options of a run that are about files. */
type OfFiles =
  | 'inputs'
  | 'fromFile'
  | 'out'
  | 'privateDir'
  | 'privatePassphraseFile'
  | 'privateKeyFile'
  | 'sourceIds'
  | 'format'
  | 'labels'
  | 'keep'
  | 'labelLoss'
  | 'protectLabels'
  | 'samplesPerShard'
  | 'shardIndex'
  | 'shardCount'
  | 'daliIndex'
  | 'hfMetadata'
  | 'overwrite'
  | 'resume'
  | 'retryFailed'
  | 'boxes'
  | 'corrections'
  | 'frames';

/** Options of a run but for what only files need. */
export interface AnonymizerOptions extends Partial<Omit<Options, OfFiles>> {
  /** False: no detector is opened, and every image comes with its boxes; default true. */
  readonly detectors?: boolean;
}

export interface ProcessOptions {
  /** With `pseudonyms: 'stable'`, images of one name share their synthetic replacements. */
  readonly pseudonym?: string;
  /**
   * With `detectors: false`: what is redacted, in pixels of the upright image. Does not grow unless `grow` says so; an
   * empty list publishes the image as it is.
   */
  readonly boxes?: readonly GivenBox[];
}

/** An anonymized image and what was done to it. */
export interface Anonymized {
  /** Encoded and re-opened image, without metadata. */
  readonly bytes: Uint8Array;
  readonly record: Omit<VerifiedRecord, 'key' | 'file'>;
}

export interface Anonymizer {
  /**
   * Anonymizes one encoded image. Calls may overlap; up to two per worker run at a time.
   * @throws SampleError when the image cannot be published, also without boxes where there are no detectors;
   * UsageError for boxes that are none, and for boxes beside detectors; ModelError when the models are unusable; Error
   * after `close`.
   */
  process(bytes: Uint8Array, options?: ProcessOptions): Promise<Anonymized>;
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
  const { detectors = true, ...rest } = options;
  const config = fillConfig({ ...rest, inputs: ['-'], out: 'unused' });
  if (config.boxes !== undefined || config.corrections !== undefined) {
    throw new UsageError(
      'Expected boxes with each image but received the option boxes or corrections, which name files',
    );
  }
  const job = await (detectors ? prepareJob(config) : prepareWithoutDetectors(config, GIVEN));
  const pool = new WorkerPool(job, { workers: config.workers });
  try {
    await pool.ready();
  } catch (error) {
    await pool.close();
    throw error;
  }
  const groups = new Groups(config.pseudonyms);
  return {
    async process(bytes, { pseudonym = '', boxes } = {}) {
      const known = knownFrom(boxes, detectors);
      // A view is sent to a worker with the whole buffer below it.
      const own = bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
      const outcome = await pool.process({ kind: 'bytes', bytes: own }, groups.numberOf(pseudonym), known);
      if (outcome.status !== 'verified') throw new SampleError(outcome.stage, outcome.reason, outcome.message);
      return { bytes: outcome.bytes, record: outcome.record };
    },
    close: () => pool.close(),
  };
}

function knownFrom(boxes: readonly GivenBox[] | undefined, detectors: boolean): Known {
  if (boxes === undefined && !detectors) {
    throw new SampleError('detect', 'no-boxes', 'Expected boxes for an image without detectors but received none');
  }
  if (boxes === undefined) return {};
  if (detectors) throw new UsageError('Expected boxes with detectors: false only but received some beside detectors');
  return { detections: givenDetections(boxes) };
}
