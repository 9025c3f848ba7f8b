import { describe, expect, it } from 'vitest';
import { growRect, type OrientedRect, polygonArea, rectCorners } from '../../src/core/geometry.ts';
import type { Point } from '../../src/core/types.ts';
import { Outputs, type RawDetection } from '../../src/detect/decoder.ts';
import { decodeDb } from '../../src/detect/families/db.ts';

const WIDTH = 320;
const HEIGHT = 224;
/** What a kernel grows by: less, and the last glyph of a line stays readable. */
const UNCLIP_RATIO = 1.8;

interface Bar extends OrientedRect {
  readonly probability: number;
}

/** A probability map with a bar wherever a pixel's centre lies in its rectangle. */
function draw(...bars: readonly Bar[]): Float32Array {
  const map = new Float32Array(WIDTH * HEIGHT).fill(0.05);
  for (let i = 0; i < map.length; i++) {
    const x = (i % WIDTH) + 0.5;
    const y = Math.floor(i / WIDTH) + 0.5;
    for (const bar of bars) {
      const u = (x - bar.cx) * Math.cos(bar.angle) + (y - bar.cy) * Math.sin(bar.angle);
      const v = (y - bar.cy) * Math.cos(bar.angle) - (x - bar.cx) * Math.sin(bar.angle);
      if (Math.abs(u) <= bar.width / 2 && Math.abs(v) <= bar.height / 2) map[i] = bar.probability;
    }
  }
  return map;
}

function decode(map: Float32Array, least = 0.4, shape = [1, 1, HEIGHT, WIDTH]): RawDetection[] {
  const outputs = new Outputs('m', new Map([['map', { data: map, shape }]]));
  return decodeDb(outputs, { width: WIDTH, height: HEIGHT, keep: { text: least } });
}

/** Distance in pixels by which `p` lies outside the clockwise outline; 0 or less inside. */
function outside(p: Point, polygon: readonly Point[]): number {
  return Math.max(
    ...polygon.map((a, i) => {
      const b = polygon[(i + 1) % polygon.length] as Point;
      return -((b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x)) / Math.hypot(b.x - a.x, b.y - a.y);
    }),
  );
}

describe('decodeDb', () => {
  const at = { cx: 160, cy: 112, probability: 0.9 };
  it.each([
    ['level', { ...at, width: 120, height: 16, angle: 0 }],
    ['tilted by 30°', { ...at, width: 120, height: 16, angle: Math.PI / 6 }],
    ['tilted by -30°', { ...at, width: 120, height: 16, angle: -Math.PI / 6 }],
    ['upright', { ...at, width: 16, height: 120, angle: 0 }],
    ['square', { ...at, width: 24, height: 24, angle: 0 }],
    ['thin', { ...at, width: 200, height: 3, angle: 0 }],
  ])('covers the grown rectangle of a bar that is %s', (_, bar: Bar) => {
    const [found, ...others] = decode(draw(bar));
    expect(others).toEqual([]);
    expect(found?.label).toBe('text');
    expect(found?.score).toBeCloseTo(0.9, 5);
    const distance = (bar.width * bar.height * UNCLIP_RATIO) / (2 * (bar.width + bar.height));
    const grown = rectCorners(growRect(bar, distance, distance));
    const polygon = found?.polygon ?? [];
    expect(polygon).toHaveLength(4);
    // Pixels of a slanted edge are drawn by their centres, so they end up to a pixel beside it.
    for (const corner of grown) expect(outside(corner, polygon)).toBeLessThan(1);
    for (const corner of polygon) expect(outside(corner, grown)).toBeLessThan(2.5);
    const box = found?.box ?? { x1: 0, y1: 0, x2: 0, y2: 0 };
    for (const { x, y } of polygon) {
      expect(x >= box.x1 - 1e-9 && x <= box.x2 + 1e-9 && y >= box.y1 - 1e-9 && y <= box.y2 + 1e-9).toBe(true);
    }
    expect(polygonArea(polygon)).toBeGreaterThan(bar.width * bar.height);
  });

  it('separates lines, drops faint ones and specks', () => {
    const line = (cy: number, probability: number, height = 10): Bar => ({
      cx: 100,
      cy,
      width: 80,
      height,
      angle: 0,
      probability,
    });
    const found = decode(draw(line(30, 0.9), line(80, 0.6), line(130, 0.35), line(160, 0.25), line(200.5, 0.9, 1)));
    expect(found.map((d) => d.score)).toEqual([expect.closeTo(0.9, 5), expect.closeTo(0.6, 5)]);
    expect(found.map((d) => (d.box.y1 + d.box.y2) / 2)).toEqual([expect.closeTo(30, 5), expect.closeTo(80, 5)]);
  });

  it('keeps faint kernels', () => {
    const faint = (probability: number): Bar => ({ ...at, width: 80, height: 10, angle: 0, probability });
    expect(decode(draw(faint(0.12)), 0.1)).toHaveLength(1);
    expect(decode(draw(faint(0.09)), 0.06)).toEqual([]);
  });

  it('reads a map without batch and channel', () => {
    const map = draw({ ...at, width: 60, height: 12, angle: 0 });
    expect(decode(map, 0.4, [HEIGHT, WIDTH])).toEqual(decode(map));
  });

  it('finds nothing in an empty map and one text in a full one', () => {
    expect(decode(new Float32Array(WIDTH * HEIGHT))).toEqual([]);
    const [all, ...others] = decode(new Float32Array(WIDTH * HEIGHT).fill(1));
    expect(others).toEqual([]);
    expect(all?.box.x1).toBeLessThan(0);
    expect(all?.box.y2).toBeGreaterThan(HEIGHT);
  });
});
