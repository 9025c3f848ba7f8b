import { boxHeight, boxWidth, containment, growBox, unite } from '../core/geometry.ts';
import type { Detection } from '../core/types.ts';

/** A line of text belongs to a plate when this share of it lies within the plate, grown by REACH. */
const BELONGS = 0.4;
const REACH = 0.2;
/** …or when it holds nearly all of the plate. */
const HOLDS = 0.7;
/** A plate has lines of its own height or, when only one of its lines was found, a little more. */
const MOST_HEIGHT = 2.5;
const MOST_WIDTH = 3;
/** A first line may bring a second one within reach. */
const ROUNDS = 2;

/**
 * Widens plates to the lines of text on them. Plate detectors often box the large characters only and leave
 * a second line, a state or the last character outside, where the text network sees them.
 */
export function widenByText(plates: readonly Detection[], texts: readonly Detection[]): Detection[] {
  return plates.map((plate) => {
    const lines = texts.filter(
      (t) =>
        boxHeight(t.box) <= MOST_HEIGHT * boxHeight(plate.box) && boxWidth(t.box) <= MOST_WIDTH * boxWidth(plate.box),
    );
    let { box } = plate;
    for (let round = 0; round < ROUNDS; round++) {
      const near = growBox(box, REACH);
      for (const { box: line } of lines) {
        if (containment(line, near) >= BELONGS || containment(plate.box, line) >= HOLDS) box = unite(box, line);
      }
    }
    if (containment(box, plate.box) === 1) return plate;
    const { polygon: _, ...rest } = plate;
    return { ...rest, box };
  });
}
