import { join } from 'node:path';
import * as v from 'valibot';
import { CLASSES, type ClassName } from '../../core/types.ts';
import { UsageError } from '../../errors.ts';
import { wholeLines } from '../../io/lines.ts';
import { logFile } from '../../io/run-log.ts';
import type { ClipRegion } from '../../worker/clip.ts';
import { clipRecordSchema, type FrameRecord, frameRecordSchema, type VerifiedClip } from '../record.ts';

/** x, y, width, height in pixels, as the log tells it. */
export type LoggedBox = readonly [number, number, number, number];

/** One thing that was followed, as the public log tells of it. */
export interface TrackTrace {
  readonly id: number;
  readonly class: ClassName;
  /** First and last frame in which it is covered. */
  readonly from: number;
  readonly to: number;
  /** Where it is covered in these; absent with `--log-geometry none`. */
  readonly firstBox?: LoggedBox;
  readonly lastBox?: LoggedBox;
  /** Frames in which it was detected, or somebody says that it is there. */
  readonly seen: number;
  /** Longest run of frames between two sightings that is covered by inference only. */
  readonly unseen: { readonly from: number; readonly frames: number };
}

/** What the log of a clip tells, in memory that grows with the tracks, not with the frames. */
export interface ClipTrace {
  readonly tracks: readonly TrackTrace[];
  /** Frames with something of the class covered. */
  readonly framesWith: Readonly<Record<ClassName, number>>;
  /** Covered places, over all frames, and those of them that were inferred. */
  readonly regions: number;
  readonly inferred: number;
  /** Frame of which the boxes cover most, and their share of its area; absent when nothing is known to be covered. */
  readonly largest?: { readonly frame: number; readonly share: number };
}

/** Cells of a frame by which covered shares are counted. */
const [COLUMNS, ROWS] = [96, 54];

type Growing = { -readonly [K in keyof TrackTrace]: TrackTrace[K] } & { lastSeen?: number };

/** @throws UsageError when the log of a published clip is not as this tool writes it. */
export async function traceClip(out: string, { key, width, height }: VerifiedClip): Promise<ClipTrace> {
  const tracks = new Map<string, Growing>();
  const framesWith: Record<ClassName, number> = { face: 0, body: 0, plate: 0, text: 0 };
  let [regions, inferred] = [0, 0];
  let largest: ClipTrace['largest'];
  for await (const frame of frameRecords(out, key)) {
    for (const cls of CLASSES) if (frame.regions.some((region) => region.class === cls)) framesWith[cls]++;
    regions += frame.regions.length;
    for (const region of frame.regions) {
      if (region.origin === 'interpolated') inferred++;
      follow(tracks, frame.frame, region);
    }
    const share = coveredShare(frame.regions, width, height);
    if (share > (largest?.share ?? 0)) largest = { frame: frame.frame, share };
  }
  const found = [...tracks.values()].map(({ lastSeen: _, ...track }) => track);
  return { tracks: found, framesWith, regions, inferred, ...(largest === undefined ? {} : { largest }) };
}

/** What the log tells of some frames, by frame. Throws as `traceClip` does. */
export async function regionsIn(
  out: string,
  key: string,
  frames: ReadonlySet<number>,
): Promise<Map<number, readonly ClipRegion[]>> {
  const found = new Map<number, readonly ClipRegion[]>();
  for await (const { frame, regions } of frameRecords(out, key, (index) => frames.has(index)))
    found.set(frame, regions);
  return found;
}

function follow(tracks: Map<string, Growing>, frame: number, region: ClipRegion): void {
  const { track: id, class: cls, box, origin } = region;
  const name = `${cls} ${id}`;
  const known = tracks.get(name);
  const track: Growing = known ?? {
    id,
    class: cls,
    from: frame,
    to: frame,
    seen: 0,
    unseen: { from: frame, frames: 0 },
  };
  if (known === undefined) {
    tracks.set(name, track);
    if (box !== undefined) track.firstBox = box;
  }
  // A person has removed it in between: it was not missed there.
  if (frame > track.to + 1) delete track.lastSeen;
  track.to = frame;
  if (box !== undefined) track.lastBox = box;
  if (origin === 'interpolated') return;
  track.seen++;
  const missed = track.lastSeen === undefined ? 0 : frame - track.lastSeen - 1;
  if (missed > track.unseen.frames) track.unseen = { from: frame - missed, frames: missed };
  track.lastSeen = frame;
}

/** Share of the area of a frame that boxes cover together, to a cell. */
function coveredShare(regions: readonly ClipRegion[], width: number, height: number): number {
  const cells = new Uint8Array(COLUMNS * ROWS);
  let covered = 0;
  for (const { box } of regions) {
    if (box === undefined) continue;
    const [x, y, w, h] = box;
    const [left, right] = [x, x + w].map((at) => Math.min(COLUMNS, Math.round((at * COLUMNS) / width)));
    const [top, bottom] = [y, y + h].map((at) => Math.min(ROWS, Math.round((at * ROWS) / height)));
    for (let row = top as number; row < (bottom as number); row++) {
      for (let column = left as number; column < (right as number); column++) {
        const at = row * COLUMNS + column;
        covered += 1 - (cells[at] as number);
        cells[at] = 1;
      }
    }
  }
  return covered / cells.length;
}

async function* frameRecords(
  out: string,
  key: string,
  isWanted: (frame: number) => boolean = () => true,
): AsyncGenerator<FrameRecord> {
  const file = logFile(key);
  let line = 0;
  for await (const text of wholeLines(join(out, file))) {
    const frame = line - 1;
    line++;
    if (frame >= 0 && !isWanted(frame)) continue;
    try {
      if (frame < 0) v.parse(clipRecordSchema, JSON.parse(text));
      else yield v.parse(frameRecordSchema, JSON.parse(text)) as FrameRecord;
    } catch (cause) {
      throw new UsageError(
        `Expected a record in line ${line} of ${file} but received another form; run anonymize verify`,
        { cause },
      );
    }
  }
}
