import { CLASSES, type ClassName, MODES, type Mode, type Region, type RgbImage } from '../core/types.ts';
import { blurPainter } from './blur.ts';
import type { CellMemory } from './cell-memory.ts';
import type { RowPainter, Steady } from './cells.ts';
import { featherWeight } from './feather.ts';
import { gaussianPainter } from './gaussian.ts';
import { rowSpans, shapeBounds } from './mask.ts';
import { coveredBy, drawOverlay, type Patch, patchPainter, type Scene } from './patch.ts';
import { pixelatePainter } from './pixelate.ts';
import { randomFrom } from './random.ts';
import { isErased, type ReplacementOptions, replacerFor, withoutErased } from './replace.ts';
import { checkResidual } from './residual.ts';
import { type Fill, solidPainter } from './solid.ts';
import { featherWidth } from './strength.ts';

export type { Fill };

/** Upright image with optional alpha, one byte per pixel: `alpha.length === width * height`. */
export interface Redactable {
  readonly rgb: RgbImage;
  readonly alpha?: Uint8Array;
}

/** How regions are redacted, but for what each region says itself. */
export interface RedactOptions extends ReplacementOptions {
  /** Colour of `solid`. */
  readonly fill: Fill;
  /** Whole numbers that decide every random choice; default 0. */
  readonly seed?: readonly number[];
  /** Colours of the frames before, for regions that are followed over a clip. */
  readonly memory?: CellMemory;
}

/**
 * Redacts `regions` in the image's own buffers and returns them as they were redacted: a `synthetic` one that could
 * not be replaced comes back as `blur`, with `requested`.
 *
 * Inside a shape no source pixel contributes but through the mode's cells. Outside, all modes but `pixelate` and
 * `solid` fade out over the feather; all other bytes stay as they are. Redacted pixels become opaque: colour under
 * alpha 0 must have been cleared before.
 *
 * Replacements are made from the photograph as it came, then all are painted: fills first, then what is blurred,
 * so that nothing of an erased body is left to blur, then `solid`, then what is drawn; in each of these in the given
 * order.
 *
 * @throws RangeError when a buffer, a region or the fill is not what the types promise; nothing is changed then.
 * SampleError when more of the source is left than a mode may leave: the image must not be published.
 */
export function redactInPlace(image: Redactable, regions: readonly Region[], options: RedactOptions): Region[] {
  checkImage(image);
  checkFill(options.fill);
  for (const region of regions) checkRegion(region, image.rgb);
  const jobs = prepare(image.rgb, regions, options);
  for (const step of STEPS) {
    for (const job of jobs) {
      const { region, patch } = job;
      if (stepOf(job, options) === step) {
        redactRegion(image, region, painterFor(image.rgb, region, patch, options), options.fill);
      }
      const overlay = step === 'ground' ? patch?.ground : step === 'draw' ? patch?.overlay : undefined;
      if (overlay) drawOverlay(image.rgb, overlay, reachOf(region, image.rgb));
    }
  }
  return jobs.map(({ region }) => region);
}

const STEPS = ['fill', 'soften', 'solid', 'ground', 'draw'] as const;

function stepOf({ region, patch }: RegionJob, options: RedactOptions): (typeof STEPS)[number] {
  switch (region.mode) {
    case 'inpaint':
      return 'fill';
    case 'synthetic':
      return patch?.overlay || isErased(region.class, options) ? 'fill' : 'draw';
    case 'solid':
      return 'solid';
    default:
      return 'soften';
  }
}

interface RegionJob {
  readonly region: Region;
  readonly patch?: Patch;
}

/** Makes every replacement while the photograph is still whole. */
function prepare(image: RgbImage, regions: readonly Region[], options: RedactOptions): RegionJob[] {
  const replaced = (region: Region): boolean => region.mode === 'inpaint' || region.mode === 'synthetic';
  if (!regions.some(replaced)) return regions.map((region) => ({ region }));
  const scene: Scene = { image, covered: coveredBy(regions, image) };
  const counts = new Map<ClassName, number>();
  const planned = withoutErased(regions);
  return planned.map((region) => {
    const ordinal = counts.get(region.class) ?? 0;
    counts.set(region.class, ordinal + 1);
    if (!replaced(region)) return { region };
    const random = randomFrom(...(options.seed ?? [0]), CLASSES.indexOf(region.class), region.track ?? ordinal);
    const patch = replacerFor(region, options)(scene, region, random);
    return patch ? { region, patch } : { region: { ...region, mode: 'blur', requested: 'synthetic' } };
  });
}

function painterFor(
  image: RgbImage,
  region: Region,
  patch: Patch | undefined,
  { fill, memory }: RedactOptions,
): RowPainter {
  const steady: Steady = (grid) => memory?.average(region, grid) ?? grid;
  if (patch) return patchPainter(patch);
  switch (region.mode) {
    case 'gaussian':
      return gaussianPainter(image, region, steady);
    case 'pixelate':
      return pixelatePainter(image, region, steady);
    case 'solid':
      return solidPainter(fill);
    default:
      return blurPainter(image, region, 'blur', steady);
  }
}

function redactRegion({ rgb, alpha }: Redactable, region: Region, paint: RowPainter, fill: Fill): void {
  const { data, width, height } = rgb;
  const spans = rowSpans(region, width, height);
  const feather = featherWidth(region);
  const fades = featherWeight(region, feather);
  const bounds = shapeBounds(region);
  const minX = Math.max(0, Math.floor(bounds.x1 - feather));
  const maxX = Math.min(width, Math.ceil(bounds.x2 + feather));
  const maxY = Math.min(height, Math.ceil(bounds.y2 + feather));
  const line = new Uint8Array(Math.max(0, maxX - minX) * 3);
  const weights = new Float64Array(Math.max(0, maxX - minX));

  for (let y = Math.max(0, Math.floor(bounds.y1 - feather)); y < maxY; y++) {
    const covered = y >= spans.y1 && y < spans.y2;
    let start = minX;
    let end = minX;
    if (covered) {
      start = spans.start[y - spans.y1] as number;
      end = spans.end[y - spans.y1] as number;
    } else {
      while (start < maxX && !fades(start, y, weights, start - minX)) start++;
      end = start;
    }
    // The shape is convex: in a row, the feather is one run on each side of the covered span.
    let left = start;
    while (left > minX && fades(left - 1, y, weights, left - 1 - minX)) left--;
    let right = end;
    while (right < maxX && fades(right, y, weights, right - minX)) right++;
    if (left >= right) continue;

    const blend = (from: number, to: number): void => {
      if (from >= to) return;
      paint(y, from, to, line, 0);
      for (let x = from; x < to; x++) {
        const weight = weights[x - minX] as number;
        for (let c = 0; c < 3; c++) {
          const at = (y * width + x) * 3 + c;
          const source = data[at] as number;
          data[at] = source + ((line[(x - from) * 3 + c] as number) - source) * weight + 0.5;
        }
      }
    };
    blend(left, start);
    if (start < end) paint(y, start, end, data, (y * width + start) * 3);
    blend(end, right);
    alpha?.fill(255, y * width + left, y * width + right);
  }
  checkResidual(rgb, region, spans, fill);
}

/** Whether a pixel is in the region's shape or in the feather around it. */
function reachOf(region: Region, { width, height }: RgbImage): (x: number, y: number) => boolean {
  const { y1, start, end } = rowSpans(region, width, height);
  const fades = featherWeight(region, featherWidth(region));
  const weight = new Float64Array(1);
  return (x, y) => {
    const row = y - y1;
    const isInside = x >= (start[row] ?? Infinity) && x < (end[row] ?? 0);
    return isInside || fades(x, y, weight, 0);
  };
}

function checkImage({ rgb, alpha }: Redactable): void {
  const { data, width, height } = rgb;
  if (!Number.isInteger(width) || !Number.isInteger(height) || data.length !== width * height * 3) {
    throw new RangeError(`Expected ${width} × ${height} × 3 bytes of RGB but received ${data.length}`);
  }
  if (alpha !== undefined && alpha.length !== width * height) {
    throw new RangeError(`Expected ${width} × ${height} bytes of alpha but received ${alpha.length}`);
  }
}

function checkFill({ r, g, b }: Fill): void {
  for (const value of [r, g, b]) {
    if (!Number.isInteger(value) || value < 0 || value > 255) {
      throw new RangeError(`Expected a fill of whole numbers 0…255 but received ${r}, ${g}, ${b}`);
    }
  }
}

function checkRegion(region: Region, { width, height }: RgbImage): void {
  const { box, core, mode, shortSide } = region;
  const { x1, y1, x2, y2 } = box;
  const whole = [x1, y1, x2, y2].every(Number.isInteger);
  if (!whole || x1 < 0 || y1 < 0 || x2 > width || y2 > height || x1 >= x2 || y1 >= y2) {
    throw new RangeError(`Expected a region within ${width} × ${height} but received ${x1},${y1} to ${x2},${y2}`);
  }
  const outline = (region.polygon ?? []).flatMap((p) => [p.x, p.y]);
  const measures = [core.x1, core.y1, core.x2, core.y2, shortSide, ...outline];
  if (!measures.every(Number.isFinite) || !(shortSide > 0)) {
    throw new RangeError(`Expected a region of finite numbers but received ${measures.join(', ')}`);
  }
  if (!MODES.includes(mode) || (mode as Mode) === 'none') {
    throw new RangeError(`Expected a redaction mode but received ${String(mode)}`);
  }
  if (region.shape === 'polygon' && (region.polygon?.length ?? 0) < 3) {
    throw new RangeError(`Expected a polygon of at least 3 points but received ${region.polygon?.length ?? 0}`);
  }
}
