import { boxHeight, boxWidth } from '../core/geometry.ts';
import { type Letterbox, planLetterbox } from '../core/letterbox.ts';
import type { Box } from '../core/types.ts';
import type { ModelInput, ModelLevel } from '../models/manifest.ts';

/**
 * Overlap of neighbouring tiles, pixels of the model. What is larger than this at one scale is found whole
 * at the next smaller one.
 */
const OVERLAP = 64;
/**
 * Longest side of a tile of dynamic size, pixels of the model. Networks that weigh channels by means over all they
 * see find more in large tiles: text in photographs of 2560 pixels 0.926 at 1.8 % of the background when shown
 * whole, 0.913 at 2.9 % in tiles of 960. Larger ones need more than a gigabyte.
 */
const LONGEST_TILE = 2560;
/** Doubling the scale is worth a pass only when the image has pixels for this much of it. */
const LEAST_GAIN = 1.3;
/** A scale may be this much smaller when that saves a row or column of tiles. */
const SPARED = 0.88;
/** Most pixels of the model that one pass may cover: bounds the time that a gigantic image takes. */
const MOST_PIXELS = 16e6;

/** A part of the image as a network is shown it. */
export interface View {
  /** Whole pixels of the image. */
  readonly region: Box;
  /** Where the region lies in the network's input. */
  readonly letterbox: Letterbox;
  readonly mirrored: boolean;
}

/** Views at one scale. */
export interface Pass {
  readonly kind: 'whole' | 'mirror' | 'shrunk' | 'tiles';
  readonly views: readonly View[];
  /** Tiles that hold nothing which an earlier pass suspected need no look. */
  readonly onlyWhereSuspected: boolean;
}

type Looks = Pick<ModelLevel, 'longSide' | 'enlarge' | 'shrink' | 'mirror' | 'tiles'>;

/** The passes over an image of `width` × `height` pixels, coarse to fine. */
export function planPasses(width: number, height: number, input: ModelInput, looks: Looks): Pass[] {
  const whole: Box = { x1: 0, y1: 0, x2: width, y2: height };
  const base = wholeScale(width, height, input, looks);
  const first = viewOf(whole, base, input);
  const passes: Pass[] = [{ kind: 'whole', views: [first], onlyWhereSuspected: false }];
  if (looks.mirror) passes.push({ kind: 'mirror', views: [{ ...first, mirrored: true }], onlyWhereSuspected: false });
  if (looks.shrink !== undefined) {
    passes.push({ kind: 'shrunk', views: [viewOf(whole, base * looks.shrink, input)], onlyWhereSuspected: false });
  }
  if (looks.tiles === undefined) return passes;
  const { doublings, enlarge, where } = looks.tiles;
  const finest = Math.min(enlarge, Math.sqrt(MOST_PIXELS / (width * height)));
  let scale = base;
  for (let i = 0; i < doublings && finest >= scale * LEAST_GAIN; i++) {
    scale = thrifty(width, height, Math.min(scale * 2, finest), scale * LEAST_GAIN, input);
    const views = tile(width, height, scale, input).map((region) => viewOf(region, scale, input));
    passes.push({ kind: 'tiles', views, onlyWhereSuspected: where === 'suspected' });
  }
  return passes;
}

/** The scale, or a slightly smaller one of at least `least` that needs fewer tiles. */
function thrifty(width: number, height: number, scale: number, least: number, input: ModelInput): number {
  const smaller = Math.max(scale * SPARED, least);
  return tile(width, height, smaller, input).length < tile(width, height, scale, input).length ? smaller : scale;
}

/** Pixels of the model per pixel of the image when an image, or a part, of this size is shown whole. */
export function wholeScale(
  width: number,
  height: number,
  { size }: ModelInput,
  { longSide, enlarge }: Pick<ModelLevel, 'longSide' | 'enlarge'>,
): number {
  if ('width' in size) return Math.min(size.width / width, size.height / height);
  return Math.min((longSide ?? size.longSide) / Math.max(width, height), enlarge);
}

/** A view of a region at a scale, padded to what the network takes. */
export function viewOf(region: Box, scale: number, input: ModelInput): View {
  const [width, height] = [boxWidth(region), boxHeight(region)];
  const padded = (length: number): number =>
    Math.ceil(Math.max(1, Math.round(length)) / input.multiple) * input.multiple;
  const size = 'width' in input.size ? input.size : { width: padded(width * scale), height: padded(height * scale) };
  const letterbox = planLetterbox(width, height, { size, multiple: input.multiple, align: input.align, scale });
  return { region, letterbox, mirrored: false };
}

/** Overlapping regions of equal size that cover the image, each of which fits the network at this scale. */
function tile(width: number, height: number, scale: number, { size, multiple }: ModelInput): Box[] {
  const most = 'width' in size ? size : { width: LONGEST_TILE, height: LONGEST_TILE };
  const columns = spread(width, scale, most.width, multiple);
  const rows = spread(height, scale, most.height, multiple);
  return rows.flatMap(([y1, y2]) => columns.map(([x1, x2]) => ({ x1, y1, x2, y2 })));
}

/** Intervals of equal length over `length` pixels of the image, at most `most` pixels of the model each. */
function spread(length: number, scale: number, most: number, multiple: number): [number, number][] {
  const scaled = length * scale;
  if (scaled <= most) return [[0, length]];
  const overlap = Math.min(OVERLAP, most / 4);
  const count = Math.ceil((scaled - overlap) / (most - overlap));
  const even = Math.ceil((scaled + (count - 1) * overlap) / count / multiple) * multiple;
  const side = Math.min(length, Math.floor(Math.min(even, most) / scale));
  return Array.from({ length: count }, (_, i) => {
    const from = Math.round((i * (length - side)) / (count - 1));
    return [from, from + side];
  });
}

/** Whether a box in pixels of the image ends at a border of the region that is no border of the image. */
export function isCut(box: Box, { region, letterbox }: View, width: number, height: number): boolean {
  const [nearX, nearY] = [2 / letterbox.scaleX, 2 / letterbox.scaleY];
  return (
    (region.x1 > 0 && box.x1 < region.x1 + nearX) ||
    (region.y1 > 0 && box.y1 < region.y1 + nearY) ||
    (region.x2 < width && box.x2 > region.x2 - nearX) ||
    (region.y2 < height && box.y2 > region.y2 - nearY)
  );
}
