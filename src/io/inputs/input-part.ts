import type { SampleRef } from '../../core/sample.ts';
import type { SampleOrigin } from '../source.ts';
import type { ReadKept } from './kept.ts';

/** One sample of an input as it was read, by its position there. */
export interface ReadSample {
  readonly at: number;
  readonly ref: SampleRef;
  /** What may pass with it. */
  readonly kept?: ReadKept;
}

/** One input, listed. */
export interface InputPart {
  /** POSIX paths of its samples for `--format folder`, in order. */
  readonly names: readonly string[];
  readonly dropped: ReadonlyMap<string, number>;
  readonly clsMembers: number;
  /** Every sample has a class index. */
  readonly labelled: boolean;
  originOf(at: number): SampleOrigin;
  /** POSIX path within the input. */
  pathOf(at: number): string;
  labelOf(at: number): number | undefined;
  /** The wanted samples, in order. */
  read(isWanted: (at: number) => boolean): AsyncIterable<ReadSample> | Iterable<ReadSample>;
}
