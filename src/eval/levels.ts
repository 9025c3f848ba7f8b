/** Steps between the floor and 1 in which the curve knows thresholds. */
const STEPS = 1000;

/**
 * The thresholds over which one run is measured, ascending: even steps from the floor to 1 with the operating
 * threshold among them, so that it is met exactly.
 */
export class Levels {
  readonly thresholds: readonly number[];
  /** Index of the operating threshold. */
  readonly operating: number;

  /** @param floor least score that was reported; at most `operating` */
  constructor(floor: number, operating: number) {
    const steps = Array.from({ length: STEPS + 1 }, (_, i) => floor + ((1 - floor) * i) / STEPS);
    this.thresholds = [...new Set([...steps, operating])].sort((a, b) => a - b);
    this.operating = this.thresholds.indexOf(operating);
  }

  get count(): number {
    return this.thresholds.length;
  }

  /** How many of the thresholds a score reaches. */
  of(score: number): number {
    let low = 0;
    let high = this.thresholds.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.thresholds[middle] as number) <= score) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
