import fc from 'fast-check';
import { expect } from 'vitest';
import type { Region } from '../../../src/core/types.ts';
import { coveredBy, type Patch, type Replacer } from '../../../src/redact/patch.ts';
import { randomFrom } from '../../../src/redact/random.ts';
import { noise, regionOf, scenes } from '../scenes.ts';

type Found = Parameters<typeof regionOf>[0];

/** Whatever is there and wherever the region lies: what is drawn is finite and within the patch that is painted. */
export function assertWithinPatch(
  label: 'plate' | 'text',
  draw: Replacer,
  isMeant: (detection: Found) => boolean = () => true,
): void {
  fc.assert(
    fc.property(scenes, fc.integer(), ({ width, height, detection, grow }, seed) => {
      fc.pre(isMeant(detection));
      const image = noise(width, height, seed);
      const region = tryRegion({ ...detection, label }, width, height, grow);
      fc.pre(region !== undefined);
      const scene = { image, covered: coveredBy([region as Region], image) };
      const patch = draw(scene, region as Region, randomFrom(seed));
      const { x, y, overlay, image: filled } = patch as Patch;
      expect(overlay?.rgba.every(Number.isFinite)).toBe(true);
      if (!overlay || overlay.rgba.length === 0) return;
      expect(overlay.x).toBeGreaterThanOrEqual(x);
      expect(overlay.y).toBeGreaterThanOrEqual(y);
      expect(overlay.x + overlay.width).toBeLessThanOrEqual(x + filled.width);
      expect(overlay.y + overlay.height).toBeLessThanOrEqual(y + filled.height);
    }),
    { numRuns: 200 },
  );
}

function tryRegion(detection: Found, width: number, height: number, grow: number): Region | undefined {
  try {
    return regionOf(detection, 'synthetic', width, height, grow);
  } catch {
    return undefined;
  }
}
