import type { Box, Region, RgbImage } from '../core/types.ts';
import { complete } from './inpaint/complete.ts';
import { compose, type Filled } from './inpaint/compose.ts';
import { drawFrom } from './inpaint/correspondence.ts';
import { type Gap, type Gaps, gapsOf } from './inpaint/gap.ts';
import { CELL, finestLevel } from './inpaint/level.ts';
import { filledTone, smoothTone, toneOf } from './inpaint/tone.ts';
import { windowAround } from './inpaint/window.ts';
import { rowSpans } from './mask.ts';
import { patchBox, type Replacer, type Scene } from './patch.ts';

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

interface Fillings {
  readonly gaps: Gaps;
  readonly done: Map<Gap, Filled | undefined>;
}

/** What was filled of a photograph: its regions are asked for one by one, and share gaps. */
const fillings = new WeakMap<Scene, Fillings>();

function filledAt(scene: Scene, region: Region): Filled | undefined {
  let known = fillings.get(scene);
  if (!known) {
    known = { gaps: gapsOf(scene), done: new Map() };
    fillings.set(scene, known);
  }
  const { y1, start, end } = rowSpans(region, scene.image.width, scene.image.height);
  const row = start.findIndex((from, i) => from < (end[i] as number));
  const gap = known.gaps.at(start[row] as number, y1 + row);
  if (!gap) throw new RangeError('Expected a region of the scene but received one that is not covered');
  if (!known.done.has(gap)) known.done.set(gap, fill(scene, gap));
  return known.done.get(gap);
}

function fill(scene: Scene, gap: Gap): Filled | undefined {
  const window = windowAround(scene, gap);
  if (!window) return undefined;
  const level = finestLevel(scene, window, gap);
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
