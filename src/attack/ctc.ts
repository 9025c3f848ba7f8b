/** A string as a recogniser read it. */
export interface Reading {
  readonly text: string;
  /** Mean probability of its characters, 0…1; 0 when there is none. */
  readonly confidence: number;
}

/**
 * Reads the best path through a recogniser's output (connectionist temporal classification, Graves et al., 2006):
 * the likeliest class of every step, repeats joined, then blanks dropped.
 *
 * @param probabilities [steps, classes], row-major; class 0 is the blank
 * @param characters those of the classes from 1 on
 * @throws RangeError when the sizes do not fit each other
 */
export function greedyDecode(probabilities: Float32Array, steps: number, characters: readonly string[]): Reading {
  const classes = characters.length + 1;
  if (probabilities.length !== steps * classes) {
    throw new RangeError(`Expected ${steps} × ${classes} probabilities but received ${probabilities.length}`);
  }
  let text = '';
  let sum = 0;
  let count = 0;
  let previous = 0;
  for (let step = 0; step < steps; step++) {
    let best = 0;
    for (let c = 1; c < classes; c++) {
      const at = step * classes;
      if ((probabilities[at + c] as number) > (probabilities[at + best] as number)) best = c;
    }
    if (best !== 0 && best !== previous) {
      text += characters[best - 1] as string;
      sum += probabilities[step * classes + best] as number;
      count++;
    }
    previous = best;
  }
  return { text, confidence: count === 0 ? 0 : sum / count };
}
