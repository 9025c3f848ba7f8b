import { fillConfig } from '../config.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Mode } from '../core/types.ts';
import type { Options } from '../options.ts';
import { prepareJob } from '../prepare.ts';
import { WorkerPool } from '../worker/pool.ts';
import type { Photograph, RedactedPhotograph, Redaction } from './photograph.ts';

export type RedactHereOptions = Pick<
  Options,
  'classes' | 'quality' | 'model' | 'threshold' | 'device' | 'workers' | 'limitPixels' | 'timeLimit'
>;

/** Redacts the originals with one mode for all classes, as a run would, in memory: nothing is written anywhere. */
export function redactHere(mode: Mode, options: RedactHereOptions): Redaction {
  return {
    name: mode,
    async *read(originals: readonly Photograph[]): AsyncGenerator<RedactedPhotograph> {
      const config = fillConfig({ inputs: ['-'], out: 'unused', ...options, redact: mode });
      const workers = Math.max(1, Math.min(config.workers, originals.length));
      const pool = new WorkerPool(await prepareJob(config), { workers });
      try {
        await pool.ready();
        const window: Promise<Outcome>[] = [];
        for (let next = 0, index = 0; index < originals.length; index++) {
          for (; next < originals.length && window.length < pool.capacity; next++) {
            const outcome = pool.process({ kind: 'file', path: (originals[next] as Photograph).file }, next);
            // Awaited in order later on; until then a rejection must not count as unhandled.
            outcome.catch(() => {});
            window.push(outcome);
          }
          const outcome = await (window.shift() as Promise<Outcome>);
          yield outcome.status === 'verified' ? { index, bytes: outcome.bytes } : { index, reason: outcome.reason };
        }
      } finally {
        await pool.close();
      }
    },
  };
}
