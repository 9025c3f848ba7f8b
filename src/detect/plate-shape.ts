import { boxWidth, containment, convexHull, minAreaRect } from '../core/geometry.ts';
import type { Box, Detection, Point } from '../core/types.ts';
import { shareInside } from './outline.ts';

/** Long side over short side of a line of text as a plate carries it, with and without a vehicle around it. */
const ALONE = { least: 2.2, most: 7.5 };
const ON_VEHICLE = { least: 1.2, most: 9 };
/** A plate hangs level, give or take the slope of the road and the camera. */
const MOST_TILT = (35 * Math.PI) / 180;
/** Share of the vehicle's width that a plate may take. */
const MOST_VEHICLE_SHARE = 0.7;
/** Text of which a plate holds this share is not listed twice: growing the plate covers the rest. */
const HELD_BY_PLATE = 0.9;

interface Line {
  readonly width: number;
  readonly height: number;
  /** Radians from level, 0…π/2. */
  readonly tilt: number;
}

function lineOf(detection: Detection): Line {
  const corners: readonly Point[] = detection.polygon ?? [
    { x: detection.box.x1, y: detection.box.y1 },
    { x: detection.box.x2, y: detection.box.y1 },
    { x: detection.box.x2, y: detection.box.y2 },
    { x: detection.box.x1, y: detection.box.y2 },
  ];
  const rect = minAreaRect(convexHull(corners));
  const along = rect.width >= rect.height ? rect.angle : rect.angle + Math.PI / 2;
  return {
    width: Math.max(rect.width, rect.height),
    height: Math.min(rect.width, rect.height),
    tilt: Math.asin(Math.min(1, Math.abs(Math.sin(along)))),
  };
}

function hasShape(line: Line, range: { least: number; most: number }): boolean {
  const ratio = line.width / Math.max(1, line.height);
  return ratio >= range.least && ratio <= range.most && line.tilt <= MOST_TILT;
}

/**
 * Licence plates as far as shape tells: lines of text that look like a plate, alone or on a vehicle.
 * A stand-in without weights of its own: it also takes signs and shop names of that shape, and misses
 * plates whose characters the text model does not see. Without `alone`, only those on a vehicle count.
 */
export function platesByShape(
  texts: readonly Detection[],
  vehicles: readonly Box[],
  options: { readonly id: string; readonly threshold: number; readonly alone: boolean },
): Detection[] {
  const plates: Detection[] = [];
  for (const text of texts) {
    if (text.score < options.threshold) continue;
    const line = lineOf(text);
    const carried = vehicles.some(
      (v) => containment(text.box, v) > 0.8 && boxWidth(text.box) < boxWidth(v) * MOST_VEHICLE_SHARE,
    );
    if (!carried && !options.alone) continue;
    if (!hasShape(line, carried ? ON_VEHICLE : ALONE)) continue;
    plates.push({ ...text, label: 'plate', model: options.id });
  }
  return plates;
}

/** Text detections without those that a plate already stands for: inside its outline, not only its box. */
export function withoutPlates(texts: readonly Detection[], plates: readonly Detection[]): Detection[] {
  return texts.filter((text) => !plates.some((plate) => shareInside(text, plate) >= HELD_BY_PLATE));
}
