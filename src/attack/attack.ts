import { fillConfig } from '../config.ts';
import { SampleError } from '../errors.ts';
import { evaluationJob } from '../eval/job.ts';
import { loadManifest, type Manifest } from '../models/manifest.ts';
import type { Options } from '../options.ts';
import { prepareJob } from '../prepare.ts';
import { packageVersion } from '../version.ts';
import { WorkerPool } from '../worker/pool.ts';
import { type MeasuredOriginal, type MeasuredRedacted, PhotographMeasurer } from './measure-photograph.ts';
import { openNetworks } from './networks.ts';
import type { OriginalSet, Redaction } from './photograph.ts';
import type { AttackReport, FailedPhotograph } from './report.ts';
import { type Measured, sumUp } from './sum-up.ts';
import { inWindow } from './window.ts';

export interface AttackOptions
  extends Pick<
    Options,
    'classes' | 'quality' | 'model' | 'threshold' | 'device' | 'workers' | 'limitPixels' | 'timeLimit'
  > {
  readonly manifest?: Manifest;
}

export interface AttackProgress {
  readonly done: number;
  readonly total: number;
  readonly failed: number;
}

export interface AttackHooks {
  readonly onProgress?: (progress: AttackProgress) => void;
}

/**
 * Measures redactions as an adversary would, who has the redacted photographs, knows where faces, plates and text
 * were, and has originals of the same people to compare with. Nothing leaves this machine. A photograph that cannot
 * be read is reported and left out.
 *
 * @throws UsageError for wrong options; ModelError when a model cannot be opened or trusted; whatever a redaction
 * throws while it is read.
 */
export async function attack(
  set: OriginalSet,
  redactions: readonly Redaction[],
  options: AttackOptions = {},
  hooks: AttackHooks = {},
): Promise<AttackReport> {
  const started = performance.now();
  const { manifest = loadManifest(), ...settings } = options;
  const config = fillConfig({ inputs: ['-'], out: 'unused', ...settings });
  const job = await prepareJob(config, manifest);
  const { photographs } = set;
  const networks = await openNetworks(manifest, config.device);
  const workers = Math.max(1, Math.min(config.workers, photographs.length));
  const pool = new WorkerPool(evaluationJob(job), { workers });
  const measurer = new PhotographMeasurer(job, pool, networks);
  const total = photographs.length * (1 + redactions.length);
  let [done, failures] = [0, 0];
  const step = (failed: boolean): void => {
    done++;
    if (failed) failures++;
    hooks.onProgress?.({ done, total, failed: failures });
  };
  /** What cannot be read is noted, not thrown. */
  const tried = async <T>(
    index: number,
    failed: FailedPhotograph[],
    work: () => Promise<T>,
  ): Promise<T | undefined> => {
    const result = await work().catch((error: unknown) => {
      if (!(error instanceof SampleError)) throw error;
      failed.push({ photograph: photographs[index]?.name ?? '', stage: error.stage, reason: error.reason });
      return undefined;
    });
    step(result === undefined);
    return result;
  };
  try {
    await pool.ready();
    const originals: (MeasuredOriginal | undefined)[] = photographs.map(() => undefined);
    const failed: FailedPhotograph[] = [];
    await inWindow(photographs.entries(), workers, async ([index, photograph]) => {
      originals[index] = await tried(index, failed, () => measurer.original(photograph));
    });
    const measured: Measured[] = [];
    for (const redaction of redactions) {
      const redacted: (MeasuredRedacted | undefined)[] = photographs.map(() => undefined);
      const own: FailedPhotograph[] = [];
      let missing = 0;
      await inWindow(redaction.read(photographs), workers, async ({ index, bytes, reason }) => {
        const original = originals[index];
        if (!bytes) missing++;
        if (!bytes && reason !== undefined) {
          own.push({ photograph: photographs[index]?.name ?? '', stage: 'read', reason });
        }
        if (!bytes || !original) step(!bytes);
        else redacted[index] = await tried(index, own, () => measurer.redacted(bytes, original));
      });
      measured.push({ name: redaction.name, redacted, missing, failed: own });
    }
    return {
      v: 1,
      version: packageVersion(),
      quality: config.quality,
      classes: config.classes,
      models: job.models,
      ...sumUp(set, originals, failed, measured, config.classes.includes('face')),
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    await pool.close();
    await networks.close();
  }
}
