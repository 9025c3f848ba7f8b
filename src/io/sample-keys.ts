import { keyOf } from './shard-plan.ts';

/** What the samples of an output are called, in public and in private: ASCII, without dots, sorted as their indices are. */
export interface SampleKeys {
  keyOf(index: number): string;
  /** Undefined for what no sample is called. */
  indexOf(key: string): number | undefined;
}

/** `000000000`, `000000001`…: those of every run over images. */
export const NUMBERED: SampleKeys = {
  keyOf,
  indexOf: (key) => (/^\d{9,15}$/.test(key) ? Number(key) : undefined),
};
