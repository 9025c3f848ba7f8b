import type { Box } from '../core/types.ts';
import type { Identities } from './identities.ts';

/** A string that is written somewhere on a photograph, as labelled. */
export interface LabelledString {
  readonly box: Box;
  readonly text: string;
}

export interface Photograph {
  /** Absolute path. */
  readonly file: string;
  /** Path below the folder of originals, POSIX separators. */
  readonly name: string;
  readonly strings: readonly LabelledString[];
}

/** What is attacked: photographs, and who is on them. */
export interface OriginalSet {
  readonly photographs: readonly Photograph[];
  /** By photograph, in the same order. */
  readonly identities: Identities;
}

/** One photograph after redaction; without bytes when there is none. */
export interface RedactedPhotograph {
  /** Number of the original. */
  readonly index: number;
  readonly bytes?: Uint8Array;
  /** Why there are no bytes. */
  readonly reason?: string;
}

/** The same photographs redacted in one way. */
export interface Redaction {
  readonly name: string;
  /** In any order. @throws ModelError or UsageError when the whole cannot be had. */
  read(originals: readonly Photograph[]): AsyncIterable<RedactedPhotograph>;
}
