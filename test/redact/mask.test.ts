import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Region } from '../../src/core/types.ts';
import { rasterizeRegion } from '../../src/redact/mask.ts';
import { planRegions } from '../../src/redact/plan.ts';
import { detect, policyOf, regionOf, scenes, tilted } from './scenes.ts';

function maskOf(region: Region, width: number, height: number): Uint8Array {
  const mask = new Uint8Array(width * height);
  rasterizeRegion(region, width, height, mask);
  return mask;
}

/** Signed distance to the shape, pixels, negative inside; outside never more than the true distance. */
function distance({ shape, core, polygon = [] }: Region, x: number, y: number): number {
  if (shape === 'box') return Math.max(core.x1 - x, x - core.x2, core.y1 - y, y - core.y2);
  if (shape === 'polygon') {
    const sides = polygon.map((p, i) => {
      const q = polygon[(i + 1) % polygon.length] ?? p;
      return ((q.y - p.y) * (x - p.x) - (q.x - p.x) * (y - p.y)) / Math.hypot(q.x - p.x, q.y - p.y);
    });
    return Math.max(...sides);
  }
  // Semi-axes are half sides times √2. A convex function over its slope bounds the distance to its zero.
  const [a, b] = [(core.x2 - core.x1) / Math.SQRT2, (core.y2 - core.y1) / Math.SQRT2];
  const [u, v] = [(x - (core.x1 + core.x2) / 2) / a, (y - (core.y1 + core.y2) / 2) / b];
  const radius = Math.hypot(u, v);
  return radius === 0 ? -Math.min(a, b) : ((radius - 1) * radius) / Math.hypot(u / a, v / b);
}

/** Whether the pixel's inside, sampled 6 × 6, overlaps the shape or the box that must be covered whole. */
function touches(region: Region, px: number, py: number): boolean {
  const { core } = region;
  for (let j = 0; j < 6; j++) {
    for (let i = 0; i < 6; i++) {
      const [x, y] = [px + 0.01 + i * 0.196, py + 0.01 + j * 0.196];
      if (distance(region, x, y) < -1e-9) return true;
      if (region.shape !== 'polygon' && x > core.x1 && x < core.x2 && y > core.y1 && y < core.y2) return true;
    }
  }
  return false;
}

describe('rasterizeRegion', () => {
  it('covers every pixel that the grown shape touches, wherever it lies, and no other', () => {
    fc.assert(
      fc.property(scenes, ({ width, height, detection, grow }) => {
        for (const region of planRegions([detection], policyOf('blur', grow), width, height)) {
          const mask = maskOf(region, width, height);
          const wrong: string[] = [];
          for (let i = 0; i < mask.length; i++) {
            const [x, y] = [i % width, Math.floor(i / width)];
            if (mask[i] === 0 && touches(region, x, y)) wrong.push(`left out ${x},${y}`);
            if (mask[i] === 1 && distance(region, x + 0.5, y + 0.5) > Math.SQRT1_2 + 1e-6)
              wrong.push(`added ${x},${y}`);
          }
          expect(wrong).toEqual([]);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('holds the corners of the box in the ellipse: an inscribed one would leave 21 % of it sharp', () => {
    const region = regionOf(detect('face', [30, 40, 70, 90]), 'blur', 120, 140);
    const mask = maskOf(region, 120, 140);
    for (let y = 40; y < 90; y++) expect(mask.subarray(y * 120 + 30, y * 120 + 70)).toEqual(new Uint8Array(40).fill(1));
    const covered = mask.reduce((sum, pixel) => sum + pixel, 0);
    // Area of the circumscribed ellipse is π/2 of the box's.
    expect(covered / (40 * 50)).toBeGreaterThan(Math.PI / 2);
    expect(covered / (40 * 50)).toBeLessThan(Math.PI / 2 + 0.08);
  });

  it('reaches the last row and column', () => {
    const mask = maskOf(regionOf(detect('body', [3.5, 2.2, 7.1, 5.01]), 'solid', 8, 6), 8, 6);
    expect([...mask].map((v, i) => (v === 1 ? i : -1)).filter((i) => i >= 0)).toEqual(
      [2, 3, 4, 5].flatMap((y) => [3, 4, 5, 6, 7].map((x) => y * 8 + x)),
    );
  });

  it('follows a thin line of text in any direction without a gap', () => {
    const gaps: string[] = [];
    for (let degrees = 0; degrees < 180; degrees += 7) {
      const outline = tilted(60, 60, 90, 0.6, (degrees * Math.PI) / 180);
      const mask = maskOf(regionOf(detect('text', [0, 0, 1, 1], outline), 'blur', 120, 120), 120, 120);
      for (let t = -44.9; t < 45; t += 0.05) {
        const x = Math.floor(60 + t * Math.cos((degrees * Math.PI) / 180));
        const y = Math.floor(60 + t * Math.sin((degrees * Math.PI) / 180));
        if (mask[y * 120 + x] !== 1) gaps.push(`${degrees}°: ${x},${y}`);
      }
      expect(mask.reduce((sum, pixel) => sum + pixel, 0)).toBeLessThan(90 * 4);
    }
    expect(gaps).toEqual([]);
  });

  it('adds to what the mask holds and refuses one of the wrong size', () => {
    const region = regionOf(detect('body', [0, 0, 2, 1]), 'solid', 4, 2);
    const mask = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1);
    rasterizeRegion(region, 4, 2, mask);
    expect([...mask]).toEqual([1, 1, 0, 0, 0, 0, 0, 1]);
    expect(() => rasterizeRegion(region, 4, 2, new Uint8Array(7))).toThrow(/4 × 2 bytes but received 7/);
  });
});
