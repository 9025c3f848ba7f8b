import { boxHeight } from '../../core/geometry.ts';
import type { Patch, Scene } from '../patch.ts';
import type { Gap } from './gap.ts';
import type { Window } from './window.ts';

/** What a cell of a `Level` is. */
export const CELL = {
  /** Outside the image, or covered and not to be filled: neither read nor written. */
  barred: 0,
  /** All of its pixels are there and none is covered: may be copied. */
  known: 1,
  /** Cut by the image's border: compared with, but never copied. */
  cut: 2,
  /** Holds covered pixels that are to be filled. */
  hole: 3,
} as const;
type Cell = (typeof CELL)[keyof typeof CELL];

/** Patches are squares of `2 * REACH + 1` cells; as many barred cells surround every level. */
export const REACH = 2;

/** `Level.insistence` of the finest level. */
const INSISTENCE = 12;

/** A part of the photograph in cells of `scale` × `scale` pixels. */
export interface Level {
  /** Cells, the barred border included. */
  readonly width: number;
  readonly height: number;
  /** Mean colours, RGB, cell by cell; those of holes are what is thought of them so far. */
  readonly rgb: Uint8Array;
  /** One `CELL` each. */
  readonly kind: Uint8Array;
  /** 1 where the patch around a cell holds known cells only: may be copied whole. */
  readonly source: Uint8Array;
  /** Cells around which the patch touches a hole, in reading order. */
  readonly targets: Int32Array;
  /** The row of each cell. */
  readonly row: Int16Array;
  /** What holes should look like on the whole, RGB, cell by cell, -1 where nothing says; absent where nothing does. */
  readonly guide?: Int16Array;
  /** How many cells of a patch the guide counts for: less where cells are small and show texture. */
  readonly insistence: number;
  /** 0…1: how high the gap is within the photograph, and so how much it matters at which height something lies. */
  readonly upright: number;
}

/** The finest level: the window in cells, of which those that hold pixels of `gap` are to be filled. Covered pixels are never read. */
export function finestLevel({ image, covered }: Scene, { box: window, scale }: Window, gap: Gap): Level {
  const columns = Math.ceil((window.x2 - window.x1) / scale);
  const rows = Math.ceil((window.y2 - window.y1) / scale);
  const width = columns + 2 * REACH;
  const height = rows + 2 * REACH;
  const rgb = new Uint8Array(width * height * 3);
  const kind = new Uint8Array(width * height);
  // A few pixels of a large cell tell its mean as well as all of them.
  const step = Math.max(1, scale >> 2);
  for (let j = 0; j < rows; j++) {
    const top = window.y1 + j * scale;
    const bottom = Math.min(window.y2, top + scale);
    for (let i = 0; i < columns; i++) {
      const left = window.x1 + i * scale;
      const right = Math.min(window.x2, left + scale);
      const at = (j + REACH) * width + i + REACH;
      let state: Cell = right - left === scale && bottom - top === scale ? CELL.known : CELL.cut;
      for (let y = top; y < bottom && state !== CELL.hole; y++) {
        for (let x = left; x < right && state !== CELL.hole; x++) {
          if (covered[y * image.width + x]) state = gap.has(x, y) ? CELL.hole : CELL.barred;
        }
      }
      kind[at] = state;
      if (state === CELL.hole || state === CELL.barred) continue;
      let r = 0;
      let g = 0;
      let b = 0;
      let n = 0;
      for (let y = top; y < bottom; y += step) {
        for (let x = left; x < right; x += step, n++) {
          const from = (y * image.width + x) * 3;
          r += image.data[from] as number;
          g += image.data[from + 1] as number;
          b += image.data[from + 2] as number;
        }
      }
      rgb[3 * at] = r / n + 0.5;
      rgb[3 * at + 1] = g / n + 0.5;
      rgb[3 * at + 2] = b / n + 0.5;
    }
  }
  const high = boxHeight(gap.box) / image.height;
  const upright = Math.min(1, Math.max(0, (high - UPRIGHT.from) / (UPRIGHT.to - UPRIGHT.from)));
  return levelOf(width, height, rgb, kind, upright);
}

/** The level of half the size: a cell is a hole where any of its four is one, and known where all are. */
export function coarserLevel(fine: Level): Level {
  const columns = Math.ceil((fine.width - 2 * REACH) / 2);
  const rows = Math.ceil((fine.height - 2 * REACH) / 2);
  const width = columns + 2 * REACH;
  const height = rows + 2 * REACH;
  const rgb = new Uint8Array(width * height * 3);
  const kind = new Uint8Array(width * height);
  for (let j = 0; j < rows; j++) {
    for (let i = 0; i < columns; i++) {
      const at = (j + REACH) * width + i + REACH;
      const a = (2 * j + REACH) * fine.width + 2 * i + REACH;
      const four = [a, a + 1, a + fine.width, a + fine.width + 1];
      const kinds = four.map((k) => fine.kind[k] as number);
      if (kinds.includes(CELL.hole)) kind[at] = CELL.hole;
      else if (kinds.includes(CELL.barred)) kind[at] = CELL.barred;
      else {
        kind[at] = kinds.includes(CELL.cut) ? CELL.cut : CELL.known;
        for (let c = 0; c < 3; c++) {
          let sum = 2;
          for (const k of four) sum += fine.rgb[3 * k + c] as number;
          rgb[3 * at + c] = sum >> 2;
        }
      }
    }
  }
  const coarse = levelOf(width, height, rgb, kind, fine.upright);
  if (!fine.guide) return coarse;
  return { ...coarse, guide: coarserGuide(fine, coarse, fine.guide), insistence: 2 * fine.insistence };
}

/** Mean of what the up to four cells of each cell should look like. */
function coarserGuide(fine: Level, coarse: Level, guide: Int16Array): Int16Array {
  const out = new Int16Array(coarse.kind.length * 3).fill(-1);
  for (let at = 0; at < coarse.kind.length; at++) {
    if (coarse.kind[at] !== CELL.hole) continue;
    const x = 2 * ((at % coarse.width) - REACH) + REACH;
    const y = 2 * ((coarse.row[at] as number) - REACH) + REACH;
    const a = y * fine.width + x;
    const told = [a, a + 1, a + fine.width, a + fine.width + 1].filter((k) => (guide[3 * k] as number) >= 0);
    if (told.length === 0) continue;
    for (let c = 0; c < 3; c++) {
      out[3 * at + c] = told.reduce((sum, k) => sum + (guide[3 * k + c] as number), 0) / told.length + 0.5;
    }
  }
  return out;
}

/** The level with what its holes should look like: `tint` in pixels of the photograph. */
export function guided(level: Level, { box, scale }: Window, tint: Patch): Level {
  const guide = new Int16Array(level.kind.length * 3).fill(-1);
  const { data, width, height } = tint.image;
  for (const at of level.targets) {
    if (level.kind[at] !== CELL.hole) continue;
    const x = Math.floor(box.x1 + ((at % level.width) - REACH + 0.5) * scale) - tint.x;
    const y = Math.floor(box.y1 + ((level.row[at] as number) - REACH + 0.5) * scale) - tint.y;
    if (x < 0 || y < 0 || x >= width || y >= height) continue;
    for (let c = 0; c < 3; c++) guide[3 * at + c] = data[3 * (y * width + x) + c] as number;
  }
  return { ...level, guide };
}

function levelOf(width: number, height: number, rgb: Uint8Array, kind: Uint8Array, upright: number): Level {
  const source = new Uint8Array(kind.length);
  const row = new Int16Array(kind.length);
  const unknown = new Uint8Array(kind.length);
  const hole = new Uint8Array(kind.length);
  for (let i = 0; i < kind.length; i++) {
    row[i] = i / width;
    unknown[i] = kind[i] === CELL.known ? 0 : 1;
    hole[i] = kind[i] === CELL.hole ? 1 : 0;
  }
  const nearUnknown = spread(unknown, width, height);
  const nearHole = spread(hole, width, height);
  const targets: number[] = [];
  for (let i = 0; i < kind.length; i++) {
    source[i] = 1 - (nearUnknown[i] as number);
    if (nearHole[i] && kind[i] !== CELL.barred) targets.push(i);
  }
  return { width, height, rgb, kind, source, targets: Int32Array.from(targets), row, upright, insistence: INSISTENCE };
}

/** 1 wherever a flag lies within the square of a patch; cells at the border count as flagged around. */
function spread(flags: Uint8Array, width: number, height: number): Uint8Array {
  const across = new Uint8Array(flags.length);
  for (let i = REACH; i < flags.length - REACH; i++) {
    across[i] =
      (flags[i - 2] as number) |
      (flags[i - 1] as number) |
      (flags[i] as number) |
      (flags[i + 1] as number) |
      (flags[i + 2] as number);
  }
  across.set(flags.subarray(0, REACH));
  across.set(flags.subarray(flags.length - REACH), flags.length - REACH);
  const both = new Uint8Array(flags.length);
  for (let y = 0; y < height; y++) {
    const upper = Math.max(0, y - REACH) * width;
    const lower = Math.min(height - 1, y + REACH) * width;
    for (let i = y * width, x = 0; x < width; x++, i++) {
      for (let k = upper + x; k <= lower + x; k += width) {
        if (!across[k]) continue;
        both[i] = 1;
        break;
      }
    }
  }
  return both;
}

/** From which to which share of the photograph's height a gap counts as high. */
const UPRIGHT = { from: 0.12, to: 0.35 } as const;

export const countOf = (level: Level, kind: number): number => level.kind.reduce((n, k) => n + (k === kind ? 1 : 0), 0);
