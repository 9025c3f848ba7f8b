import { boundingBox, boxArea, intersect, isEmptyBox } from '../core/geometry.ts';
import type { LabelLoss, LabelledArea, SampleLabels } from '../core/labels.ts';
import type { Box, Detection, Region } from '../core/types.ts';
import { SampleError } from '../errors.ts';
import { paint } from '../eval/pixel-map.ts';
import { outlineOf, pixelRuns } from '../eval/pixels.ts';

/** Share of a detection that must lie within a protected object, so that what reaches out of it is redacted whole. */
const WITHIN = 0.9;

/**
 * Labelled objects in pixels of the upright image.
 * @throws SampleError for labels of an image of another size, or of one that is not upright, and for objects beside it:
 * published with this image they would be wrong, and so would be what is protected.
 */
export function labelledAreas({ unit, size, areas }: SampleLabels, width: number, height: number): LabelledArea[] {
  if (size && (size.width !== width || size.height !== height)) {
    const isTurned = size.width === height && size.height === width;
    throw new SampleError(
      'decode',
      isTurned ? 'labels-not-upright' : 'labels-of-another-size',
      `Expected labels of the upright image of ${width} × ${height} pixels but received some of ${size.width} × ${size.height}`,
    );
  }
  const [sx, sy] = unit === 'fraction' ? [width, height] : [1, 1];
  const image = { x1: 0, y1: 0, x2: width, y2: height };
  return areas.map(({ category, box, polygon }) => {
    const scaled = { x1: box.x1 * sx, y1: box.y1 * sy, x2: box.x2 * sx, y2: box.y2 * sy };
    if (isEmptyBox(intersect(scaled, image))) {
      throw new SampleError(
        'decode',
        'label-outside',
        'Expected labelled objects within the image but one is beside it',
      );
    }
    return {
      category,
      box: scaled,
      ...(polygon ? { polygon: polygon.map(({ x, y }) => ({ x: x * sx, y: y * sy })) } : {}),
    };
  });
}

/**
 * Leaves out what detectors found within protected objects. Faces are never left out, nor is what a person or a list of
 * boxes says.
 * @param categories names that are protected.
 */
export function withoutProtected(
  detections: readonly Detection[],
  areas: readonly LabelledArea[],
  categories: readonly string[],
): { readonly left: readonly Detection[]; readonly exempted: number } {
  const safe = areas.filter(({ category }) => categories.includes(category));
  const isExempt = ({ label, origin, box, polygon }: Detection): boolean => {
    if (label === 'face' || label === 'vehicle' || origin !== undefined) return false;
    const outer: Box = polygon && polygon.length > 0 ? boundingBox([...polygon]) : box;
    return safe.some((area) => boxArea(intersect(outer, area.box)) >= WITHIN * boxArea(outer));
  };
  const left = detections.filter((detection) => !isExempt(detection));
  return { left, exempted: detections.length - left.length };
}

/** How much of each object was redacted. */
export function lossesOf(
  areas: readonly LabelledArea[],
  regions: readonly Region[],
  width: number,
  height: number,
): LabelLoss[] {
  if (areas.length === 0) return [];
  const redacted = new Uint8Array(width * height);
  for (const region of regions) paint(region, width, height, redacted, 1);
  return areas.map((area) => {
    let pixels = 0;
    let lost = 0;
    for (const { y, x1, x2 } of pixelRuns(outlineOf(area), width, height)) {
      pixels += x2 - x1;
      for (let i = y * width + x1; i < y * width + x2; i++) lost += redacted[i] as number;
    }
    return { ...area, lost: pixels === 0 ? 0 : Math.round((100 * lost) / pixels) / 100 };
  });
}
