/** Half-open byte ranges of a file that its structure refers to. */
export class Extents {
  readonly #ranges: [start: number, end: number][] = [];

  add(start: number, length: number): void {
    if (length > 0) this.#ranges.push([start, start + length]);
  }

  /** Offset after the last range, 0 without any. */
  get end(): number {
    let end = 0;
    for (const range of this.#ranges) end = Math.max(end, range[1]);
    return end;
  }

  /** Bytes in `[from, to)` that no range covers. Gaps shorter than `alignment` are padding and do not count. */
  uncovered(from: number, to: number, alignment = 1): number {
    let missing = 0;
    let at = from;
    const close = (next: number): void => {
      if (next - at >= alignment) missing += next - at;
    };
    for (const [start, end] of this.#ranges.sort((a, b) => a[0] - b[0])) {
      if (end <= at) continue;
      if (start >= to) break;
      if (start > at) close(start);
      at = end;
    }
    if (at < to) close(to);
    return missing;
  }
}
