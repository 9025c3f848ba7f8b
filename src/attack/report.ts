import type { ClassName } from '../core/types.ts';
import type { Share } from '../eval/statistics.ts';
import type { ChannelStatistics } from './image-statistics.ts';
import type { Legibility } from './legibility.ts';
import type { Enough, Reidentification } from './reidentification.ts';
import type { SourceSimilarity } from './source-similarity.ts';

export interface FailedPhotograph {
  readonly photograph: string;
  readonly stage: string;
  readonly reason: string;
}

/** How far the look of the whole set has moved. */
export interface ImageChange {
  readonly before: ChannelStatistics;
  readonly after: ChannelStatistics;
  /** Diagonal Fréchet distance of pooled features from the originals; null for fewer than two photographs. */
  readonly frechet: number | null;
}

/** One way of redacting, attacked. */
export interface RedactionReport {
  readonly name: string;
  /** Photographs that could be attacked. */
  readonly photographs: number;
  /** Originals without a redacted photograph. */
  readonly missing: number;
  readonly failed: readonly FailedPhotograph[];
  /** Faces that look as before, of all that were looked at: nothing was redacted there. */
  readonly untouchedFaces: number;
  readonly faces: number;
  /** The gallery holds originals, the probes are redacted; null when people are too few or unknown. */
  readonly naive: Reidentification | null;
  /** Gallery and probes are redacted the same way (parrot attack; Newton et al., 2005). */
  readonly parrot: Reidentification | null;
  /** The parrot attack with mean colours of 10 × 10 cells in the place of recognition. */
  readonly pixels: Reidentification | null;
  readonly source: SourceSimilarity | null;
  readonly legibility: Readonly<Record<'plate' | 'text', Legibility | null>>;
  /** Share of what was found in the originals that the same models find again at the same place. */
  readonly utility: Readonly<Record<ClassName, Share>>;
  readonly images: ImageChange | null;
}

export interface AttackReport {
  readonly v: 1;
  readonly version: string;
  readonly quality: string;
  /** What was looked for. */
  readonly classes: readonly ClassName[];
  readonly models: readonly string[];
  readonly photographs: number;
  readonly failed: readonly FailedPhotograph[];
  /** Photographs in which no face was found. */
  readonly withoutFace: readonly string[];
  readonly people: Enough;
  /** Why people are not told apart; null when they are. */
  readonly noIdentification: string | null;
  /** Originals against originals. */
  readonly original: Reidentification | null;
  /** The same by mean colours of 10 × 10 cells: what light and complexion alone tell. */
  readonly originalPixels: Reidentification | null;
  /** Plates and lines of text that were found in originals, and those of them with a known string. */
  readonly strings: Readonly<Record<'plate' | 'text', { readonly found: number; readonly known: number }>>;
  /** Diagonal Fréchet distance of one half of the originals from the other, for comparison. */
  readonly frechetOfHalves: number | null;
  readonly redactions: readonly RedactionReport[];
  /** How figures came about and what they leave out. */
  readonly notes: readonly string[];
  readonly seconds: number;
}
