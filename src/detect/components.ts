import type { Point } from '../core/types.ts';

/** One 8-connected component of a probability map. */
export interface Component {
  /** Corners of its outermost pixels, one pair per row and side; their hull holds every pixel whole. */
  readonly outline: readonly Point[];
  readonly pixels: number;
  /** Mean probability of its pixels. */
  readonly mean: number;
}

/**
 * Components of the pixels with a probability of at least `threshold`, in raster order of their first
 * pixel (flood fill with an explicit stack: a map may be one single component).
 */
export function connectedComponents(map: Float32Array, width: number, height: number, threshold: number): Component[] {
  const open = new Uint8Array(width * height);
  for (let i = 0; i < open.length; i++) open[i] = (map[i] as number) >= threshold ? 1 : 0;
  const stack: number[] = [];
  const components: Component[] = [];
  for (let start = open.indexOf(1); start !== -1; start = open.indexOf(1, start + 1)) {
    const rows = new Map<number, { left: number; right: number }>();
    let pixels = 0;
    let sum = 0;
    stack.push(start);
    open[start] = 0;
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      const y = Math.floor(at / width);
      const x = at - y * width;
      pixels++;
      sum += map[at] as number;
      const row = rows.get(y);
      if (row === undefined) rows.set(y, { left: x, right: x });
      else if (x < row.left) row.left = x;
      else if (x > row.right) row.right = x;
      for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++) {
        for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++) {
          const next = ny * width + nx;
          if (open[next] === 0) continue;
          open[next] = 0;
          stack.push(next);
        }
      }
    }
    const outline: Point[] = [];
    for (const [y, { left, right }] of rows) {
      outline.push({ x: left, y }, { x: left, y: y + 1 }, { x: right + 1, y }, { x: right + 1, y: y + 1 });
    }
    components.push({ outline, pixels, mean: sum / pixels });
  }
  return components;
}
