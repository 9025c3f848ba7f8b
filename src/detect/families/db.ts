import { boundingBox, clockwise, convexHull, growRect, minAreaRect, rectCorners } from '../../core/geometry.ts';
import { connectedComponents } from '../components.ts';
import type { Decode, RawDetection } from '../decoder.ts';

/**
 * Probability from which a pixel belongs to a text kernel. Readers of text take 0.3; a lower one keeps
 * faint and blurred text, which a person may still read.
 */
const PIXEL_THRESHOLD = 0.1;
/**
 * The network is trained on shrunk outlines, which are grown back by area · ratio / perimeter. Readers
 * take 1.5; a little more covers the last glyph.
 */
const UNCLIP_RATIO = 1.8;
/** Kernels below this many input pixels on their short side are noise. */
const MIN_SIDE = 2;

/**
 * Differentiable Binarization (Liao et al., 2020; PP-OCR): a map of text-kernel probabilities,
 * [1,1,H,W] or [H,W]. Each component gives its rectangle of least area, grown back to the text line.
 */
export const decodeDb: Decode = (outputs, { width, height, keep }) => {
  const least = keep.text ?? Infinity;
  const { data } = outputs.get(undefined, outputs.rank() === 2 ? [height, width] : [1, 1, height, width]);
  const found: RawDetection[] = [];
  for (const component of connectedComponents(data, width, height, PIXEL_THRESHOLD)) {
    if (component.mean < least) continue;
    const kernel = minAreaRect(convexHull(component.outline));
    if (Math.min(kernel.width, kernel.height) < MIN_SIDE) continue;
    const distance = (kernel.width * kernel.height * UNCLIP_RATIO) / (2 * (kernel.width + kernel.height));
    const polygon = clockwise(rectCorners(growRect(kernel, distance, distance)));
    found.push({ label: 'text', score: component.mean, box: boundingBox(polygon), polygon });
  }
  return found;
};
