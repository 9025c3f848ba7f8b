import { boxArea, growBox } from '../core/geometry.ts';
import type { Box, Detection } from '../core/types.ts';

/** Evidence below this score is not worth a look. */
export const LEAST_EVIDENCE = 0.2;
/** Looks per image, the largest parts first: bounds the cost of crowded scenes. */
const MOST_LOOKS = 6;
/** A look must show the part at this many times the scale at which it has been seen already. */
const LEAST_GAIN = 1.3;
/** Share of its width and height around a vehicle, since its box may end at the bumper. */
const MARGIN = 0.06;

/**
 * Parts of an image in which another class should be searched again.
 *
 * @param evidence detections such as vehicles, of any score
 * @param scaleFor scale, pixels of the model per pixel of the image, at which a part would be shown
 * @param seenAt scale at which the whole image has been shown
 */
export function partsToSearch(evidence: readonly Detection[], scaleFor: (part: Box) => number, seenAt: number): Box[] {
  return evidence
    .filter((d) => d.score >= LEAST_EVIDENCE)
    .map((d) => growBox(d.box, MARGIN))
    .filter((part) => scaleFor(part) >= seenAt * LEAST_GAIN)
    .sort((a, b) => boxArea(b) - boxArea(a))
    .slice(0, MOST_LOOKS);
}
