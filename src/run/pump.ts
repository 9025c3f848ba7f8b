import path from 'node:path';
import type { Outcome, RejectedOutcome } from '../core/outcome.ts';
import type { Sink } from '../io/sink.ts';
import type { ListedSample, Sample, Source } from '../io/source.ts';
import type { RunHooks, RunSummary } from '../run.ts';
import type { Known } from '../worker/job.ts';
import type { WorkerPool } from '../worker/pool.ts';
import { type Groups, numbersOf } from './pseudonyms.ts';
import type { Tally } from './tally.ts';

/** What samples go through. */
export interface Pumped {
  readonly source: Source;
  readonly pool: WorkerPool;
  readonly sink: Sink;
  readonly tally: Tally;
  readonly groups: Groups;
  readonly knownOf: (index: number) => Promise<Known | RejectedOutcome>;
  /** Adds up the corrections, once every sample is done. */
  readonly settle: () => Promise<void>;
}

/**
 * Keeps a bounded window of samples in work and writes outcomes in the order of their samples, until all are done or
 * `hooks.signal` is aborted. Throws as `run` does.
 */
export async function pump(
  { source, pool, sink, tally, groups, knownOf, settle }: Pumped,
  hooks: RunHooks,
): Promise<RunSummary> {
  const window: { sample: Sample; outcome: Promise<Outcome> }[] = [];
  const writeOldest = async (): Promise<void> => {
    const next = window.shift();
    if (!next) return;
    const outcome = await next.outcome;
    tally.add(outcome, await sink.write({ sample: next.sample, outcome }));
    hooks.onProgress?.(tally.progress());
  };
  const groupOf = numbersOf(groups, (index) => folderOf(nearestKnown(source, index)));
  try {
    for await (const sample of source.samples({ isWanted: (index) => sink.wants(index), signal: hooks.signal })) {
      const group = groupOf(sample.index);
      const known = await knownOf(sample.index);
      const labelled = sample.labels ? { labels: sample.labels } : {};
      const outcome =
        'status' in known ? Promise.resolve(known) : pool.process(sample.ref, group, { ...labelled, ...known });
      // Awaited in order later on; until then a rejection must not count as unhandled.
      outcome.catch(() => {});
      window.push({ sample, outcome });
      // Twice the pool's capacity, so that one slow image does not starve the workers.
      if (window.length >= pool.capacity * 2) await writeOldest();
      if (hooks.signal?.aborted) break;
    }
    while (window.length > 0) await writeOldest();
    tally.peakInFlight = pool.peakInFlight;
    if (hooks.signal?.aborted && tally.progress().done < tally.progress().total) {
      await sink.abort('interrupted');
      return tally.summary('interrupted');
    }
    await settle();
    await sink.finish(tally.publicResult());
    return tally.summary('finished');
  } catch (error) {
    await Promise.allSettled(window.map((w) => w.outcome));
    await sink.abort('failed');
    throw error;
  }
}

/** Of a withdrawn sample nobody knows the folder any more: it counts with the one before it. */
function nearestKnown(source: Source, index: number): ListedSample {
  let near = index;
  while (near > 0 && source.at(near).origin.path === '') near--;
  return source.at(near);
}

/** What a caller's own grouping is read from: the folder of a file, or that of a member within its archive. */
function folderOf({ origin: { path: file, member } }: ListedSample): string {
  return member === undefined ? path.dirname(file) : `${file}/${path.posix.dirname(member)}`;
}
