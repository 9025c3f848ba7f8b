import type { SampleRef } from '../../core/sample.ts';
import { countExtensions } from '../extensions.ts';
import { KeepError } from '../json-fields.ts';
import type { ListedSample, Sample, Source } from '../source.ts';
import type { InputPart } from './input-part.ts';
import { type KeepPlan, ReadKept } from './kept.ts';

/**
 * Parts one after the other, as one source.
 * @param keyOf what a list of inputs calls a sample.
 * @throws UsageError for what is to pass and no sample has.
 */
export function joinParts(
  parts: readonly InputPart[],
  {
    plan,
    classNames,
    keyOf = () => undefined,
  }: {
    readonly plan: KeepPlan;
    readonly classNames: readonly string[] | undefined;
    readonly keyOf?: (index: number) => string | undefined;
  },
): Source {
  if (parts.some((part) => part.names.length > 0)) plan.assertFound();
  const { keep } = plan;
  const hasCls =
    keep.cls && parts.every((part) => part.labelled || part.names.length === 0) && parts.some((part) => part.labelled);
  const dropped = new Map<string, number>();
  for (const part of parts) {
    for (const [label, n] of part.dropped) dropped.set(label, (dropped.get(label) ?? 0) + n);
    if (!hasCls && part.clsMembers > 0) dropped.set('cls', (dropped.get('cls') ?? 0) + part.clsMembers);
  }
  /** Index of the first sample of each part, and after the last one. */
  const starts = [0];
  for (const part of parts) starts.push((starts.at(-1) as number) + part.names.length);
  const listed = (part: InputPart, start: number, at: number): ListedSample => {
    const label = hasCls ? part.labelOf(at) : undefined;
    const listedKey = keyOf(start + at);
    return {
      index: start + at,
      origin: part.originOf(at),
      relativePath: part.names[at] as string,
      ...(label === undefined ? {} : { cls: String(label) }),
      ...(listedKey === undefined ? {} : { listedKey }),
    };
  };
  return {
    total: starts.at(-1) as number,
    extensions: countExtensions(parts.flatMap((part) => part.names)),
    dropped,
    hasCls,
    keptMembers: plan.members,
    ...(classNames && hasCls ? { classNames } : {}),
    at(index) {
      const i = lastUpTo(starts, index);
      const part = parts[i];
      if (part === undefined) throw new RangeError(`Expected an index below ${starts.at(-1)} but received ${index}`);
      const start = starts[i] as number;
      return listed(part, start, index - start);
    },
    async *samples({ isWanted = () => true, signal } = {}) {
      for (const [i, part] of parts.entries()) {
        const start = starts[i] as number;
        const isWantedHere = (at: number): boolean => isWanted(start + at);
        // A part of which nothing is wanted is not even opened.
        if (!part.names.some((_, at) => isWantedHere(at))) continue;
        for await (const { at, ref, kept = new ReadKept() } of part.read(isWantedHere)) {
          if (signal?.aborted) return;
          yield { ...listed(part, start, at), ...withKept(ref, kept, plan) };
        }
      }
    },
  };
}

/** A sample with what passes with it; refused when that is not what it should be. */
function withKept(ref: SampleRef, read: ReadKept, plan: KeepPlan): Pick<Sample, 'ref' | 'kept' | 'labels'> {
  try {
    if (read.refusal) throw read.refusal;
    const kept = plan.membersOf(read);
    return { ref, ...(kept.size > 0 ? { kept } : {}), ...(read.labels ? { labels: read.labels } : {}) };
  } catch (error) {
    if (!(error instanceof KeepError)) throw error;
    return { ref: { kind: 'refused', reason: error.reason, message: error.message } };
  }
}

/** Position of the last of the ascending numbers that is not above `limit`; −1 for none. */
function lastUpTo(numbers: readonly number[], limit: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] as number) <= limit) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
