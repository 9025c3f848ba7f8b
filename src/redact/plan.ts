import {
  boundingBox,
  boxHeight,
  boxWidth,
  convexHull,
  growBox,
  growRect,
  isEmptyBox,
  minAreaRect,
  rectCorners,
} from '../core/geometry.ts';
import { type Box, CLASSES, type ClassName, type Detection, type Mode, type Region } from '../core/types.ts';
import { SampleError } from '../errors.ts';
import { rowSpans, type Shape, shapeBounds, spanBounds } from './mask.ts';

/** What is redacted and how. */
export interface Policy {
  readonly classes: readonly ClassName[];
  readonly redact: Readonly<Record<ClassName, Mode>>;
  /**
   * Padding on each side: a fraction of the box's own width and height; for text and plates with an outline,
   * a fraction of the line's height on every side.
   */
  readonly grow: Readonly<Record<ClassName, number>>;
}

/**
 * Turns detections into the regions to redact in an image of `width` × `height` pixels.
 *
 * A face becomes the ellipse through the corners of its grown box (rounded out to whole pixels), a body its grown
 * box, a plate or text the rectangle of least area around its outline, grown, or its box when it has no outline.
 * Labels that the policy does not redact give no region, nor do empty boxes and boxes outside the image.
 * Order: larger regions first, so that a small one ends up on top; then by position.
 *
 * @throws SampleError (`redact`, `invalid-region`) when a detection or a growth is not a finite number:
 * such a model must not pass for one that found nothing.
 */
export function planRegions(detections: readonly Detection[], policy: Policy, width: number, height: number): Region[] {
  const regions: Region[] = [];
  for (const detection of detections) {
    checkFinite(detection.label, [...corners(detection.box), ...(detection.polygon ?? []).flatMap((p) => [p.x, p.y])]);
    const name = detection.label;
    if (name === 'vehicle' || !policy.classes.includes(name)) continue;
    const mode = policy.redact[name];
    if (mode === 'none') continue;
    const grown = growDetection(name, detection, policy.grow[name]);
    if (grown === undefined) continue;
    checkFinite(name, [...corners(grown.shape.core), grown.shortSide]);
    const box = spanBounds(rowSpans(grown.shape, width, height));
    const { shape, shortSide } = grown;
    const origin = detection.origin === undefined ? {} : { origin: detection.origin };
    const track = detection.track === undefined ? {} : { track: detection.track };
    if (!isEmptyBox(box)) regions.push({ class: name, box, ...shape, mode, shortSide, ...origin, ...track });
  }
  return regions.sort(largestFirst);
}

interface Grown {
  readonly shape: Shape;
  readonly shortSide: number;
}

function growDetection(name: ClassName, detection: Detection, grow: number): Grown | undefined {
  if (!(grow >= 0)) throw invalid(`Expected a growth of 0 or more for ${name} but received ${grow}`);
  const hull = name === 'plate' || name === 'text' ? convexHull(detection.polygon ?? []) : [];
  if (hull.length >= 3) {
    const line = minAreaRect(hull);
    const lineHeight = Math.min(line.width, line.height);
    const polygon = rectCorners(growRect(line, grow * lineHeight, grow * lineHeight));
    const core = boundingBox(polygon);
    return { shape: { shape: 'polygon', core, polygon }, shortSide: (1 + 2 * grow) * lineHeight };
  }
  if (isEmptyBox(detection.box)) return undefined;
  const box = growBox(detection.box, grow);
  const core = { x1: Math.floor(box.x1), y1: Math.floor(box.y1), x2: Math.ceil(box.x2), y2: Math.ceil(box.y2) };
  const shape: Shape = { shape: name === 'face' ? 'ellipse' : 'box', core };
  const bounds = shapeBounds(shape);
  return { shape, shortSide: Math.min(boxWidth(bounds), boxHeight(bounds)) };
}

function largestFirst(a: Region, b: Region): number {
  return (
    boxWidth(b.box) * boxHeight(b.box) - boxWidth(a.box) * boxHeight(a.box) ||
    a.box.y1 - b.box.y1 ||
    a.box.x1 - b.box.x1 ||
    a.box.x2 - b.box.x2 ||
    CLASSES.indexOf(a.class) - CLASSES.indexOf(b.class) ||
    (a.track ?? 0) - (b.track ?? 0)
  );
}

function corners({ x1, y1, x2, y2 }: Box): number[] {
  return [x1, y1, x2, y2];
}

function checkFinite(label: string, values: readonly number[]): void {
  if (!values.every(Number.isFinite)) {
    throw invalid(`Expected finite coordinates for ${label} but received ${values.join(', ')}`);
  }
}

function invalid(message: string): SampleError {
  return new SampleError('redact', 'invalid-region', message);
}
