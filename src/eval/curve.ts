import type { Levels } from './levels.ts';
import type { ClassMeasurement } from './measure-image.ts';
import type { CurvePoint } from './report.ts';

const QUANTILES = 10;

/** Coverage and background over thresholds. Keeps sums only, whatever the number of photographs. */
export class Curve {
  readonly #levels: Levels;
  /** Objects by the number of levels that cover them, background pixels by that at which they are redacted. */
  readonly #objects: Float64Array;
  readonly #pixels: Float64Array;
  readonly #scores: Float64Array;

  constructor(levels: Levels) {
    this.#levels = levels;
    this.#objects = new Float64Array(levels.count + 1);
    this.#pixels = new Float64Array(levels.count + 1);
    this.#scores = new Float64Array(levels.count + 1);
  }

  /** @param scores of all detections of the class, from the floor on */
  add({ objects, backgroundLevels }: ClassMeasurement, scores: readonly number[]): void {
    for (const { coveredLevels } of objects) (this.#objects[coveredLevels] as number)++;
    for (const [i, pixels] of backgroundLevels.entries()) (this.#pixels[i] as number) += pixels;
    for (const score of scores) (this.#scores[this.#levels.of(score)] as number)++;
  }

  /** About 20 points, by falling threshold: the quantiles of the scores, the floor, 1 and the operating threshold. */
  points(): CurvePoint[] {
    const { thresholds, operating, count } = this.#levels;
    const chosen = new Set([0, operating, count - 1, ...this.#quantiles()]);
    const objects = total(this.#objects);
    const pixels = total(this.#pixels);
    const points: CurvePoint[] = [];
    let covered = 0;
    let redacted = 0;
    for (let k = count - 1; k >= 0; k--) {
      covered += this.#objects[k + 1] as number;
      redacted += this.#pixels[k + 1] as number;
      if (!chosen.has(k)) continue;
      points.push({
        threshold: thresholds[k] as number,
        cover90: objects > 0 ? covered / objects : null,
        background: pixels > 0 ? redacted / pixels : null,
        operating: k === operating,
      });
    }
    return points;
  }

  /** Of all scores and of those that are redacted, since most detections are weak: indices of thresholds. */
  #quantiles(): number[] {
    const { operating } = this.#levels;
    return [...quantiles(this.#scores, 0), ...quantiles(this.#scores, operating + 1)];
  }
}

/** Levels at even shares of the counts from the level `least` on, as indices of the highest threshold reached. */
function quantiles(counts: Float64Array, least: number): number[] {
  const from = Math.max(1, least);
  const all = total(counts.subarray(from));
  const indices: number[] = [];
  let below = 0;
  for (let level = from; level < counts.length; level++) {
    below += counts[level] as number;
    while (all > 0 && indices.length < Math.floor((below / all) * QUANTILES)) indices.push(level - 1);
  }
  return indices;
}

function total(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}
