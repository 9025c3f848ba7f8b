import { resolve } from 'node:path';
import { UsageError } from '../errors.ts';
import { partsIn, placesOf, readRunFile } from './parts.ts';
import { readPrivateRun } from './private-run.ts';
import { differingPrivateRuns, differingSettings } from './settings.ts';
import type { SinkOptions } from './sink.ts';

/** What run.json tells of a part besides the settings of the run. */
const OF_ONE_PART = ['tool', 'v', 'status', 'part', 'result'];

/** The settings of the run, as the run.json of one of its parts tells them. */
export function settingsOfPart(run: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(run).filter(([key]) => !OF_ONE_PART.includes(key)));
}

type ToCompare = Pick<SinkOptions, 'format' | 'out' | 'part' | 'privateDir' | 'privateRun' | 'run' | 'seal' | 'total'>;

/**
 * Holds what other parts have left in the output against this one, as far as they have got; all of it is looked at
 * again when the run is finalized.
 *
 * @throws UsageError with the differences.
 */
export async function assertSameParts(options: ToCompare): Promise<void> {
  const { part, out, format, total, run, privateRun } = options;
  if (part === undefined) return;
  for (const other of await partsIn(resolve(out))) {
    if (other.count !== part.count) {
      throw new UsageError(
        `Expected --shard-count ${other.count}, as part ${other.index} in ${out} has it, but received ${part.count}`,
      );
    }
    if (other.index === part.index) continue;
    const { runFile, privateDir } = placesOf(resolve(options.privateDir), other);
    const before = await readRunFile(resolve(out), runFile);
    const differences = before ? differingSettings(settingsOfPart(before), { ...run, format, total }) : [];
    const kept = await readPrivateRun(privateDir, options.seal);
    if (kept && privateRun && differences.length === 0) differences.push(...differingPrivateRuns(kept, privateRun));
    if (differences.length === 0) continue;
    const told = differences.map((difference) =>
      difference.startsWith('listing: ') ? 'other inputs, or in another order or elsewhere' : difference,
    );
    throw new UsageError(
      `Expected the settings of part ${other.index} in ${out} but they differ (there → here): ${told.join('; ')}`,
    );
  }
}
