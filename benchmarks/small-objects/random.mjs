/** Numbers that follow from a seed and a purpose alone, on every machine and in whatever order work is done. */
export class Random {
  #state;

  /** @param {...(string | number)} key the same key gives the same numbers */
  constructor(...key) {
    let hash = 0x811c9dc5; // FNV-1a
    for (const char of key.join('\0')) hash = Math.imul(hash ^ char.codePointAt(0), 0x01000193);
    this.#state = hash >>> 0;
  }

  /** Uniform in [0, 1): mulberry32. */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number in [0, end). */
  below(end) {
    return Math.floor(this.next() * end);
  }

  /** Standard normal: Box–Muller. */
  normal() {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
  }

  /** @returns a shuffled copy: Fisher–Yates */
  shuffled(list) {
    const copy = [...list];
    for (let i = copy.length - 1; i > 0; i--) {
      const k = this.below(i + 1);
      [copy[i], copy[k]] = [copy[k], copy[i]];
    }
    return copy;
  }

  /**
   * Draws without replacement, then from a fresh shuffle, and so on.
   * @param {number} most how often one element may be drawn
   * @returns at most `count` elements, fewer when `most` is reached by all
   */
  rounds(list, count, most) {
    const drawn = [];
    for (let round = 0; round < most && drawn.length < count; round++) drawn.push(...this.shuffled(list));
    return drawn.slice(0, count);
  }
}
