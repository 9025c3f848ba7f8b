import { boxHeight, boxWidth, convexHull, growRect, minAreaRect, type OrientedRect } from '../core/geometry.ts';
import type { Box, Point, RgbImage } from '../core/types.ts';
import { sampleAt } from './cut-out.ts';

/** A line longer than this many times its height has a direction; shorter ones are taken as upright. */
const LEAST_ASPECT = 1.3;
/** Lines steeper than this are read from both sides, radians. */
const STEEP = Math.PI / 3;

/** The rectangle around a line of text, its width along the reading direction, −90° < angle ≤ 90°. */
export function lineRect(polygon: readonly Point[] | undefined, box: Box): OrientedRect {
  const hull = convexHull(polygon ?? []);
  if (hull.length < 3) {
    const [width, height] = [boxWidth(box), boxHeight(box)];
    return { cx: (box.x1 + box.x2) / 2, cy: (box.y1 + box.y2) / 2, width, height, angle: 0 };
  }
  const rect = minAreaRect(hull);
  const isLong = Math.max(rect.width, rect.height) > LEAST_ASPECT * Math.min(rect.width, rect.height);
  const quarter = Math.PI / 2;
  // Turned by a quarter, width and height change places.
  const turned = { ...rect, width: rect.height, height: rect.width, angle: rect.angle + quarter };
  const along = isLong ? (rect.width >= rect.height ? rect : turned) : upright(rect) ? rect : turned;
  let { angle } = along;
  while (angle > quarter + 1e-9) angle -= Math.PI;
  while (angle <= -quarter + 1e-9) angle += Math.PI;
  return { ...along, angle };
}

function upright({ angle }: OrientedRect): boolean {
  return Math.abs(Math.cos(angle)) >= Math.SQRT1_2;
}

/** The ways in which someone would hold the line: as it is and, when it is steep, upside down, too. */
export function readingDirections(rect: OrientedRect): OrientedRect[] {
  return Math.abs(rect.angle) > STEEP ? [rect, { ...rect, angle: rect.angle - Math.PI }] : [rect];
}

/**
 * The line turned to the horizontal, grown by `growth` of its height on every side, `scale` pixels per pixel of the
 * image; at least 2 × 2.
 */
export function rectify(image: RgbImage, rect: OrientedRect, growth: number, scale: number): RgbImage {
  const pad = growth * rect.height;
  const grown = growRect(rect, pad, pad);
  const width = Math.max(2, Math.round(grown.width * scale));
  const height = Math.max(2, Math.round(grown.height * scale));
  const [cos, sin] = [Math.cos(rect.angle), Math.sin(rect.angle)];
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const v = ((y + 0.5) / height - 0.5) * grown.height;
    for (let x = 0; x < width; x++) {
      const u = ((x + 0.5) / width - 0.5) * grown.width;
      const [px, py] = [grown.cx + u * cos - v * sin - 0.5, grown.cy + u * sin + v * cos - 0.5];
      for (let c = 0; c < 3; c++) data[(y * width + x) * 3 + c] = Math.round(sampleAt(image, px, py, c));
    }
  }
  return { data, width, height };
}
