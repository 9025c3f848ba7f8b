import type { RedactionRecord } from '../core/outcome.ts';
import { UsageError } from '../errors.ts';
import { assertSameRun, earlierOutput } from './earlier-run.ts';
import { checkOutput } from './output-folder.ts';
import { assertNamesApart } from './part-names.ts';
import { assertSameParts } from './part-siblings.ts';
import { assertKnown, markedShards } from './review.ts';
import { readShardLog } from './shard-log.ts';
import type { SinkOptions } from './sink.ts';

/**
 * Looks at what is in the output and the private folder, and whether it is of this very run. Changes nothing.
 *
 * @returns `complete` when an earlier run has done all that this one would do; `finalized` when the parts of a run, of
 * which this is one, have been put together.
 * @throws UsageError when the folders are in use by something else.
 */
export async function surveyOutput(options: SinkOptions): Promise<'new' | 'unfinished' | 'complete' | 'finalized'> {
  const state = await checkOutput(options);
  await assertSameParts(options);
  if (state.kind === 'finalized') return surveyFinalized(options, state.run);
  if (options.part !== undefined && options.format === 'folder') {
    assertNamesApart({ ...options, part: options.part }, options.at);
  }
  if (state.kind !== 'earlier') return 'new';
  const earlier = await earlierOutput(options);
  const ledger = await assertSameRun(options, state.run, ['sources']);
  const marked = await markedShards(earlier);
  for (const name of marked) {
    const { plan } = earlier;
    const shard = Number(name);
    for (let i = plan.startOf(shard); i < plan.endOf(shard); i++) {
      if (!earlier.withdrawn.has(i)) assertKnown(earlier, ledger, i, 'sources');
    }
  }
  const { shards, firstSample, endSample } = earlier.plan;
  const isWhole = state.run.status === 'finished' && marked.size === shards;
  const { published, withdrawn = 0 } = (options.part === undefined ? state.run : (state.run.result ?? {})) as {
    published?: number;
    withdrawn?: number;
  };
  return isWhole && !(options.retryFailed && (published ?? 0) + withdrawn !== endSample - firstSample)
    ? 'complete'
    : 'unfinished';
}

/** A part of an output that is whole: it must be of the same run. @throws UsageError */
async function surveyFinalized(options: SinkOptions, run: Readonly<Record<string, unknown>>): Promise<'finalized'> {
  const { part: _, ...whole } = options;
  await assertSameRun(whole, run, ['sources']);
  const earlier = await earlierOutput(options);
  if (options.retryFailed || (await markedShards(earlier)).size < earlier.plan.shards) {
    throw new UsageError(
      `Expected an output that is not finalized for --shard-index but ${options.out} is: go on with it without --shard-index`,
    );
  }
  return 'finalized';
}

/** The records of an output that is complete, in order. @throws UsageError when its log was changed. */
export async function* completeRecords(options: SinkOptions): AsyncGenerator<RedactionRecord> {
  const { out, plan } = await earlierOutput(options);
  for (const name of plan.names()) {
    try {
      yield* await readShardLog(out, name);
    } catch (error) {
      const { message } = error as Error;
      throw new UsageError(`Expected the redaction log of a finished run in ${out} but of shard ${name} ${message}`, {
        cause: error,
      });
    }
  }
}
