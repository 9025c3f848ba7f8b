import type { Box, Region, RgbImage } from '../core/types.ts';
import { complete } from './inpaint/complete.ts';
import { compose, type Filled } from './inpaint/compose.ts';
import { drawFrom } from './inpaint/correspondence.ts';
import { type Gap, type Gaps, gapsOf } from './inpaint/gap.ts';
import { CELL, finestLevel, guided } from './inpaint/level.ts';
import { filledTone, smoothTone, toneOf } from './inpaint/tone.ts';
import { windowAround } from './inpaint/window.ts';
import { rowSpans } from './mask.ts';
import { type Patch, patchBox, type Replacer, type Scene } from './patch.ts';

/** What stands where nothing at all is known of the photograph. */
const NEUTRAL = 128;

/**
 * Continues the surroundings across the region: what belongs there is found for patches of neighbouring cells, coarse
 * to fine, and their pixels are copied from the photograph, so that texture and grain match; where the surroundings
 * are smooth, their tone is interpolated. Looks at nothing that any region covers.
 *
 * Regions that touch are filled as one, and the same whichever of them is asked for: nothing is left to chance but
 * where the search looks, and that is the same for the same gap.
 */
export const inpaint: Replacer = (scene, region) => {
  const box = patchBox(region, scene.image);
  const filled = filledAt(scene, region);
  return { image: filled ? compose(scene, box, filled) : plain(box), x: box.x1, y: box.y1 };
};

/**
 * As `inpaint`, but the surroundings are continued so that on the whole they look like `tint`, which spans the region's
 * patch: what is dark in it is filled with something dark, where there is such.
 */
export function inpaintToward(scene: Scene, region: Region, tint: Patch): Patch {
  const box = patchBox(region, scene.image);
  const filled = fill(scene, gapOf(scene, region), tint);
  return { image: filled ? compose(scene, box, filled) : tint.image, x: box.x1, y: box.y1 };
}

interface Fillings {
  readonly gaps: Gaps;
  readonly done: Map<Gap, Filled | undefined>;
}

/** What was filled of a photograph: its regions are asked for one by one, and share gaps. */
const fillings = new WeakMap<Scene, Fillings>();

function fillingsOf(scene: Scene): Fillings {
  let known = fillings.get(scene);
  if (!known) {
    known = { gaps: gapsOf(scene), done: new Map() };
    fillings.set(scene, known);
  }
  return known;
}

function gapOf(scene: Scene, region: Region): Gap {
  const { y1, start, end } = rowSpans(region, scene.image.width, scene.image.height);
  const row = start.findIndex((from, i) => from < (end[i] as number));
  const gap = fillingsOf(scene).gaps.at(start[row] as number, y1 + row);
  if (!gap) throw new RangeError('Expected a region of the scene but received one that is not covered');
  return gap;
}

function filledAt(scene: Scene, region: Region): Filled | undefined {
  const { done } = fillingsOf(scene);
  const gap = gapOf(scene, region);
  if (!done.has(gap)) done.set(gap, fill(scene, gap));
  return done.get(gap);
}

function fill(scene: Scene, gap: Gap, tint?: Patch): Filled | undefined {
  const window = windowAround(scene, gap);
  if (!window) return undefined;
  const plainLevel = finestLevel(scene, window, gap);
  const level = tint ? guided(plainLevel, window, tint) : plainLevel;
  const sourceTone = toneOf(level);
  if (!level.kind.includes(CELL.known) && !level.kind.includes(CELL.cut)) {
    return { window, level, tone: sourceTone.map(repeated(meanKnown(scene, window.box))), sourceTone };
  }
  const smooth = smoothTone(level, sourceTone);
  const found = complete(level, drawFrom(gap.box.x1 * 31 + gap.box.y1 * 17 + gap.area));
  const tone = filledTone(level, smooth, found);
  return { window, level, tone, sourceTone, ...(found ? { to: found.to } : {}) };
}

const repeated =
  (colour: readonly number[]) =>
  (_: number, i: number): number =>
    colour[i % 3] as number;

/** The mean colour of what is known in slivers narrower than a cell. */
function meanKnown({ image, covered }: Scene, { x1, y1, x2, y2 }: Box): number[] {
  const sum = [0, 0, 0];
  let n = 0;
  for (let y = y1; y < y2; y++) {
    for (let i = y * image.width + x1; i < y * image.width + x2; i++) {
      if (covered[i]) continue;
      n++;
      for (let c = 0; c < 3; c++) sum[c] = (sum[c] as number) + (image.data[3 * i + c] as number);
    }
  }
  return sum.map((s) => s / n);
}

function plain({ x1, y1, x2, y2 }: Box): RgbImage {
  const [width, height] = [x2 - x1, y2 - y1];
  return { data: new Uint8Array(width * height * 3).fill(NEUTRAL), width, height };
}
