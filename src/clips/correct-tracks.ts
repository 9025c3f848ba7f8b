import { addressedBy, inOrder } from '../core/corrections.ts';
import { intersect, isEmptyBox, unite } from '../core/geometry.ts';
import type { Box, Detection } from '../core/types.ts';
import { SampleError } from '../errors.ts';
import type { ClipCorrection } from '../known/clip-corrections.ts';
import type { Track, TrackWord } from '../video/tracks/index.ts';
import type { ClipInfo } from '../video/types.ts';

export interface CorrectedTracks {
  /** What is to be redacted. */
  readonly tracks: readonly Track[];
  /** Corrections that address nothing. */
  readonly unmatched: readonly ClipCorrection[];
  /** Things by what happened to them. */
  readonly counts: Readonly<Record<'add' | 'remove' | 'change', number>>;
}

/**
 * Applies corrections to what was followed in a clip. As with images, all of them speak of what was found, none of
 * another correction, so that their order does not matter; what is both removed and changed in a frame is changed.
 *
 * @throws SampleError (`detect`, `box-outside`) for a box beside the frame: it was drawn on another clip.
 */
export function correctTracks(
  tracks: readonly Track[],
  corrections: readonly ClipCorrection[],
  { width, height, pts }: Pick<ClipInfo, 'width' | 'height' | 'pts'>,
): CorrectedTracks {
  const unmatched: ClipCorrection[] = [];
  const added: Track[] = [];
  const said = new Map<Track, { removed: FrameRange[]; drawn: DrawnRange[] }>();
  for (const correction of inOrder(corrections)) {
    const range = rangeOf(correction, pts.length);
    if (correction.said.action === 'add') {
      if (range === undefined) unmatched.push(correction);
      else added.push(addedTrack(correction, range, tracks.length + added.length));
      continue;
    }
    const track = range && trackAt(tracks, correction);
    if (track === undefined) {
      unmatched.push(correction);
      continue;
    }
    const last = track.from + track.boxes.length - 1;
    const own = { from: correction.from ?? track.from, to: Math.min(correction.to ?? last, pts.length - 1) };
    if (own.to < own.from || (correction.said.action === 'remove' && (own.from > last || own.to < track.from))) {
      unmatched.push(correction);
      continue;
    }
    const ranges = said.get(track) ?? { removed: [], drawn: [] };
    said.set(track, ranges);
    if (correction.said.action === 'remove') ranges.removed.push(own);
    else ranges.drawn.push({ ...own, boxIn: boxesOf(correction, own.from) });
  }
  const corrected = tracks.map((track) => {
    const ranges = said.get(track);
    return ranges === undefined ? track : correctedTrack(track, ranges.removed, ranges.drawn);
  });
  for (const { boxes, said: words } of [...corrected, ...added]) {
    for (const [i, box] of boxes.entries())
      if ((words?.[i] ?? 'removed') !== 'removed') checkInside(box, width, height);
  }
  const fates = [...said.values()];
  return {
    tracks: [...corrected, ...added],
    unmatched,
    counts: {
      add: added.length,
      remove: fates.filter(({ drawn }) => drawn.length === 0).length,
      change: fates.filter(({ drawn }) => drawn.length > 0).length,
    },
  };
}

/** Frames `from <= frame <= to`. */
interface FrameRange {
  readonly from: number;
  readonly to: number;
}

interface DrawnRange extends FrameRange {
  readonly boxIn: (frame: number) => Box;
}

/** Undefined when the clip has none of the frames. */
function rangeOf({ frame = 0, from = 0, to = from }: ClipCorrection, frames: number): FrameRange | undefined {
  if (frame >= frames || from >= frames) return undefined;
  return { from, to: Math.min(to, frames - 1) };
}

function wordOf({ from, said }: Track, frame: number): TrackWord | undefined {
  return said?.[frame - from];
}

/** What is pointed at in its frame. */
function trackAt(tracks: readonly Track[], { frame = 0, said }: ClipCorrection): Track | undefined {
  if (said.action === 'add') return undefined;
  const there = tracks.flatMap((track): Detection[] => {
    const box = track.boxes[frame - track.from];
    return box === undefined || wordOf(track, frame) === 'removed'
      ? []
      : [{ label: track.class, box, score: 1, model: 'track', track: track.id }];
  });
  const id = addressedBy(said, there)?.track;
  return tracks.find((track) => track.id === id);
}

/** The box of each frame, on a straight line where there are two. */
function boxesOf({ said, to, lastBox }: ClipCorrection, from: number): (frame: number) => Box {
  const { box } = (said as Extract<ClipCorrection['said'], { region: object }>).region;
  if (lastBox === undefined || to === undefined || to === from) return () => box;
  return (frame) => {
    const share = (frame - from) / (to - from);
    const between = (a: number, b: number): number => a + (b - a) * share;
    return {
      x1: between(box.x1, lastBox.x1),
      y1: between(box.y1, lastBox.y1),
      x2: between(box.x2, lastBox.x2),
      y2: between(box.y2, lastBox.y2),
    };
  };
}

function addedTrack(correction: ClipCorrection, { from, to }: FrameRange, id: number): Track {
  const boxIn = boxesOf(correction, from);
  const boxes = Array.from({ length: to - from + 1 }, (_, i) => boxIn(from + i));
  return {
    id,
    class: correction.class,
    from,
    boxes,
    seen: boxes.map(() => true),
    said: boxes.map(() => 'review'),
  };
}

/** The track from its first to its last frame, drawn ones included; between the two, frames may be without it. */
function correctedTrack(track: Track, removed: readonly FrameRange[], drawn: readonly DrawnRange[]): Track {
  const from = Math.min(track.from, ...drawn.map((range) => range.from));
  const to = Math.max(track.from + track.boxes.length - 1, ...drawn.map((range) => range.to));
  const holds = (frame: number) => (range: FrameRange) => range.from <= frame && frame <= range.to;
  const boxes: Box[] = [];
  const seen: boolean[] = [];
  const said: (TrackWord | undefined)[] = [];
  for (let frame = from; frame <= to; frame++) {
    const own = track.boxes[frame - track.from];
    const boxesThere = drawn.filter(holds(frame)).map(({ boxIn }) => boxIn(frame));
    const [first, ...others] = boxesThere;
    if (first !== undefined) {
      boxes.push(others.reduce(unite, first));
      seen.push(true);
      said.push('review');
    } else {
      const word = wordOf(track, frame);
      const isThere = own !== undefined && word !== 'removed' && !removed.some(holds(frame));
      boxes.push(own ?? (boxes.at(-1) as Box) ?? (track.boxes[0] as Box));
      seen.push(isThere && (track.seen[frame - track.from] as boolean));
      said.push(isThere ? word : 'removed');
    }
  }
  return { id: track.id, class: track.class, from, boxes, seen, said };
}

function checkInside({ x1, y1, x2, y2 }: Box, width: number, height: number): void {
  if (!isEmptyBox(intersect({ x1, y1, x2, y2 }, { x1: 0, y1: 0, x2: width, y2: height }))) return;
  const message = `Expected a box within ${width} × ${height} pixels but received ${x1}, ${y1} to ${x2}, ${y2}`;
  throw new SampleError('detect', 'box-outside', message);
}
