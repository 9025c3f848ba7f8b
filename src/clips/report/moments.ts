import type { LoggedBox, TrackTrace } from './trace.ts';

/** Why a frame is shown. */
export type Reason =
  /** The frame before the first, or after the last, in which something is covered: it may be seen there. */
  | { readonly kind: 'before' | 'after'; readonly track: TrackTrace }
  /** The middle of the longest run of frames in which something was covered by inference only. */
  | { readonly kind: 'unseen'; readonly track: TrackTrace }
  /** Where a thing was found with the most certainty, which is little. */
  | { readonly kind: 'weak'; readonly track: TrackTrace; readonly score: number }
  | { readonly kind: 'cut' }
  | { readonly kind: 'largest'; readonly share: number }
  | { readonly kind: 'sample' };

/** A frame that a person should look at. */
export interface Moment {
  readonly frame: number;
  readonly reasons: readonly Reason[];
}

/** What the models were surest of in a track. */
export interface BestSighting {
  readonly frame: number;
  readonly score: number;
}

export interface ToChooseFrom {
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly tracks: readonly TrackTrace[];
  readonly largest?: { readonly frame: number; readonly share: number };
  /** First frames of scenes but the first, increasing. */
  readonly cuts: readonly number[];
  /** By number of the track; empty where nobody may know. */
  readonly sightings: ReadonlyMap<number, BestSighting>;
}

/** Most frames that have a reason, and that have none and are spread evenly: what no model saw is seen only there. */
const REASONED = 0.75;
const SAMPLED = 0.5;
/** Shorter runs are filled from so near that they tell little. */
const LEAST_UNSEEN = 3;
/** Things mostly come in and go out at the edge of the picture, where they are expected to begin and end. */
const AT_EDGE = 0.1;

/**
 * The frames of a clip that most need a look, in order: at most `limit`, whatever the length of the clip. Kinds take
 * turns, each with its worst moments first.
 */
export function chooseMoments(clip: ToChooseFrom, limit: number): Moment[] {
  const chosen = new Map<number, Reason[]>();
  const reasoned = Math.ceil(limit * REASONED);
  const kinds = candidates(clip, reasoned);
  for (let turn = 0; kinds.some((kind) => turn < kind.length); turn++) {
    for (const kind of kinds) {
      const candidate = kind[turn];
      if (candidate === undefined) continue;
      const { frame, reason } = candidate;
      const known = chosen.get(frame);
      if (known) known.push(reason);
      else if (chosen.size < reasoned) chosen.set(frame, [reason]);
    }
  }
  const free = Math.min(limit - chosen.size, Math.ceil(limit * SAMPLED));
  for (const frame of spread(clip.frames, free)) if (!chosen.has(frame)) chosen.set(frame, [{ kind: 'sample' }]);
  return [...chosen].map(([frame, reasons]) => ({ frame, reasons })).sort((a, b) => a.frame - b.frame);
}

interface Candidate {
  readonly frame: number;
  readonly reason: Reason;
}

/** Of every kind, worst first. */
function candidates(clip: ToChooseFrom, most: number): (readonly Candidate[])[] {
  const { frames, tracks, cuts, largest, sightings } = clip;
  const scenes = new Set([0, ...cuts, frames]);
  const seen = tracks.filter(({ seen }) => seen > 0);
  const unseen = tracks.filter((track) => track.unseen.frames >= LEAST_UNSEEN);
  const weak = seen.flatMap((track) => {
    const best = sightings.get(track.id);
    return best === undefined ? [] : [{ track, ...best }];
  });
  return [
    largest === undefined ? [] : [{ frame: largest.frame, reason: { kind: 'largest', share: largest.share } }],
    worst(unseen, most, (track) => track.unseen.frames).map((track) => ({
      frame: track.unseen.from + (track.unseen.frames >> 1),
      reason: { kind: 'unseen', track },
    })),
    worst(
      seen.filter(({ from }) => !scenes.has(from)),
      most,
      ({ firstBox }) => weightOf(firstBox, clip),
    ).map((track) => ({ frame: track.from - 1, reason: { kind: 'before', track } })),
    worst(
      seen.filter(({ to }) => !scenes.has(to + 1)),
      most,
      ({ lastBox }) => weightOf(lastBox, clip),
    ).map((track) => ({ frame: track.to + 1, reason: { kind: 'after', track } })),
    worst(weak, most, ({ score }) => -score).map(({ frame, track, score }) => ({
      frame,
      reason: { kind: 'weak', track, score },
    })),
    spread(cuts.length, most).map((i) => ({ frame: cuts[i] as number, reason: { kind: 'cut' } })),
  ];
}

/** The `most` items of the greatest weight, in their order where equal. */
function worst<T>(items: readonly T[], most: number, weight: (item: T) => number): T[] {
  return items
    .map((item) => ({ item, weight: weight(item) }))
    .sort((a, b) => b.weight - a.weight)
    .slice(0, most)
    .map(({ item }) => item);
}

/** How much there would be to see of something that is not covered yet, or no more. */
function weightOf(box: LoggedBox | undefined, { width, height }: ToChooseFrom): number {
  if (box === undefined) return 0;
  const [x, y, w, h] = box;
  const isAtEdge = x <= 0 || y <= 0 || x + w >= width || y + h >= height;
  return w * h * (isAtEdge ? AT_EDGE : 1);
}

/** `n` of the numbers below `total`, or all, at even distances. */
function spread(total: number, n: number): number[] {
  const count = Math.min(total, n);
  return Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * total) / count));
}
