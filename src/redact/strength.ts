import type { ClassName, Region } from '../core/types.ts';

export type BoundedMode = Exclude<Region['mode'], 'solid' | 'inpaint'>;

/**
 * The most mean cells that may span a region's `shortSide`; `gaussian` takes one such cell as its sigma.
 * Everything that decides how much of the source survives is in this table and in `MIN_CELL`.
 *
 * Plates and text get one: with two, someone who knows the typeface and renders guesses through the same redaction
 * reads most characters of a plate.
 */
const CELLS_ACROSS: Readonly<Record<BoundedMode, Readonly<Record<ClassName, number>>>> = {
  blur: { face: 6, body: 6, plate: 1, text: 1 },
  pixelate: { face: 6, body: 6, plate: 1, text: 1 },
  // Smooth as it is, it keeps what mean cells break up: with six, one who redacts the gallery, too, tells people apart.
  gaussian: { face: 2, body: 6, plate: 1, text: 1 },
  // Around a drawn face, outlines are made from them: with six, a face recogniser finds more again than in a blur.
  synthetic: { face: 4, body: 6, plate: 1, text: 1 },
};

/**
 * Steepest slope that a mode can leave, as a share of a full step per cell (`blur`, the middle of a quadratic
 * B-spline) or per sigma (`gaussian`, 1/√(2π), of whose sigma at least 0.9 are real).
 */
export const STEEPEST = { blur: 0.75, gaussian: 1 / Math.sqrt(2 * Math.PI) / 0.9 } as const;

/** A cell (or a sigma) is never smaller than this, however small the region, pixels. */
const MIN_CELL = 4;

/** Width of the soft edge outside the shape, as a share of the short side, and its limits in pixels. */
const FEATHER = { fraction: 0.06, min: 2, max: 24 } as const;

/** Least side of a mean cell, or sigma, in pixels. */
export function cellSize(region: Region, mode: BoundedMode): number {
  return Math.max(MIN_CELL, region.shortSide / CELLS_ACROSS[mode][region.class]);
}

/** How many equal cells of at least `cell` pixels divide `length` pixels; at least one. */
export function cellCount(length: number, cell: number): number {
  // The slack keeps 100 / (100 / 6) at six in spite of rounding.
  return Math.max(1, Math.floor(length / cell + 1e-9));
}

/** Width in pixels of the soft edge outside a region's shape; 0 for the modes with a hard edge. */
export function featherWidth(region: Region): number {
  if (region.mode === 'solid' || region.mode === 'pixelate') return 0;
  return Math.min(FEATHER.max, Math.max(FEATHER.min, FEATHER.fraction * region.shortSide));
}

/**
 * How strongly `region` is redacted, for the public record.
 *
 * `cells`: mean cells that would span the short side at the finest cell used (`blur`, `pixelate`, around a `synthetic`
 * face and in its shading, and in the ground of synthetic text). `sigma`: standard deviation in pixels of the Gaussian that would leave an
 * edge as steep, rounded down to a tenth (`gaussian`, `blur`). `solid`, `inpaint` and other replacements leave nothing
 * to state.
 */
export function strengthOf(region: Region): { cells?: number; sigma?: number } {
  const { box, class: cls, mode } = region;
  if (mode === 'solid' || mode === 'inpaint') return {};
  if (mode === 'synthetic' && cls !== 'face' && cls !== 'text') return {};
  const cell = cellSize(region, mode);
  if (mode === 'gaussian') return { sigma: Math.floor(cell * 10) / 10 };
  // An axis with a single cell shows no detail along it and bounds nothing.
  const finest = [box.x2 - box.x1, box.y2 - box.y1].reduce((least, length) => {
    const count = cellCount(length, cell);
    return count > 1 ? Math.min(least, length / count) : least;
  }, Infinity);
  const cells = Math.max(1, Math.round(region.shortSide / finest));
  if (mode !== 'blur') return { cells };
  return { cells, sigma: Math.floor((10 * cell) / (STEEPEST.blur * Math.sqrt(2 * Math.PI))) / 10 };
}
