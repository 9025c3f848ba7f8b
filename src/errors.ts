/** A wrong option, input path or configuration. The command exits with 2 and has written nothing. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** A model that is missing, damaged, of the wrong shape, or that finds nothing where it must. Exit code 2. */
export class ModelError extends Error {
  override name = 'ModelError';
}

/** The output could not be written (disk full, permissions). The run stops; no half shard is left behind. */
export class OutputError extends Error {
  override name = 'OutputError';
}

/** The stage of the pipeline in which a sample was given up. */
export type Stage = 'read' | 'decode' | 'detect' | 'redact' | 'encode' | 'verify' | 'worker';

/**
 * One sample that cannot be published. The run goes on; the sample is quarantined.
 *
 * `reason` is a short stable code that may appear in public output. `message` may name
 * sizes and formats, but never a path, a name or anything else of the source.
 */
export class SampleError extends Error {
  override name = 'SampleError';
  readonly stage: Stage;
  readonly reason: string;

  constructor(stage: Stage, reason: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.stage = stage;
    this.reason = reason;
  }
}
