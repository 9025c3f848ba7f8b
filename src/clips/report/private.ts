import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { intersect, iou, isEmptyBox } from '../../core/geometry.ts';
import { CLASSES, type ClassName } from '../../core/types.ts';
import { UsageError } from '../../errors.ts';
import { CLIP_WORK, FOLDER_KEY, LEDGER } from '../../io/private-files.ts';
import { privateLines } from '../../io/private-lines.ts';
import { readPrivateRun } from '../../io/private-run.ts';
import { differingSettings } from '../../io/settings.ts';
import { readSources } from '../../io/source-entries.ts';
import type { Track } from '../../video/tracks/index.ts';
import type { DetectedFrame } from '../../worker/clip.ts';
import { followStored } from '../first-pass.ts';
import { ClipWorkspace } from '../workspace.ts';
import type { BestSighting } from './moments.ts';

/** What only the private folder of an output knows of its clips. */
export interface PrivateSide {
  /** Path of the source, by number of the clip. */
  readonly sources: ReadonlyMap<number, string>;
  /** Why clips are not published, in words, by key. */
  readonly messages: ReadonlyMap<string, string>;
  /** How sure the models were of what is followed in a clip; empty when the folder keeps no detections of it. */
  readonly sightingsIn: (key: string) => Promise<ReadonlyMap<number, BestSighting>>;
}

const settingsSchema = v.object({
  classes: v.array(v.picklist(CLASSES)),
  threshold: v.record(v.string(), v.number()),
  detectEvery: v.number(),
});

/**
 * @param run what run.json of the output tells.
 * @throws UsageError for a folder of another run, or one that is encrypted: a page is not.
 */
export async function openPrivateSide(folder: string, run: Readonly<Record<string, unknown>>): Promise<PrivateSide> {
  if (existsSync(join(folder, FOLDER_KEY))) {
    throw new UsageError(
      `Expected a private folder that is not encrypted, since a page with what it knows would not be, but ${folder} is; without --private-dir the page has what is public`,
    );
  }
  const kept = await readPrivateRun(folder);
  if (kept === undefined || differingSettings(run, kept.settings).length > 0) {
    throw new UsageError(`Expected --private-dir to belong to the output but ${folder} is of another run, or of none`);
  }
  const { classes, threshold, detectEvery } = v.parse(settingsSchema, kept.settings);
  const of = (cls: ClassName): number => (classes.includes(cls) ? (threshold[cls] ?? Infinity) : Infinity);
  const thresholds = { face: of('face'), body: of('body'), plate: of('plate'), text: of('text') };
  const sources = new Map<number, string>();
  for await (const { index, origin } of readSources(folder, undefined)) sources.set(index, origin.path);
  const messages = new Map<string, string>();
  for await (const line of privateLines(folder, LEDGER.quarantine, undefined)) {
    const { key, message } = JSON.parse(line) as { readonly key: string; readonly message: string };
    messages.set(key, message);
  }
  const sightingsIn = async (key: string): Promise<ReadonlyMap<number, BestSighting>> => {
    const followed = await followStored(ClipWorkspace.over(join(folder, CLIP_WORK, key)), { detectEvery, thresholds });
    return followed === undefined ? new Map() : await bestSightings(followed.tracks, followed.frames());
  };
  return { sources, messages, sightingsIn };
}

/**
 * The sighting that the models were surest of, by number of the track. A detection is one of the track of its class that
 * overlaps it most in its frame.
 *
 * @param frames of the whole clip, in order. Costs time in proportion to detections times things in a frame.
 */
export async function bestSightings(
  tracks: readonly Track[],
  frames: AsyncIterable<DetectedFrame> | Iterable<DetectedFrame>,
): Promise<ReadonlyMap<number, BestSighting>> {
  const best = new Map<number, BestSighting>();
  const waiting = tracks.toSorted((a, b) => a.from - b.from);
  let [begun, present]: [number, Track[]] = [0, []];
  for await (const { frame, detections = [] } of frames) {
    for (let next = waiting[begun]; next !== undefined && next.from <= frame; next = waiting[++begun])
      present.push(next);
    present = present.filter(({ from, boxes }) => frame < from + boxes.length);
    for (const { label, box, score, origin } of detections) {
      if (origin !== undefined) continue;
      const [nearest] = present
        .filter((track) => track.class === label && track.seen[frame - track.from])
        .map((track) => ({ id: track.id, own: track.boxes[frame - track.from] ?? box }))
        .filter(({ own }) => !isEmptyBox(intersect(own, box)))
        .sort((a, b) => iou(b.own, box) - iou(a.own, box));
      if (nearest !== undefined && score > (best.get(nearest.id)?.score ?? 0)) best.set(nearest.id, { frame, score });
    }
  }
  return best;
}
