import { expect, it } from 'vitest';
import { randomFrom } from '../../../src/redact/random.ts';
import { coarseComplexion, complexionOf, inventPerson } from '../../../src/redact/synthetic/face/person.ts';
import { model } from './faces.ts';

/** The shape of the face of a track in light of that strength. */
const shapeOf = (track: number, light: number, isFollowed = true, before?: number): Float32Array => {
  const skin = [190 * light, 150 * light, 130 * light] as const;
  const complexion = isFollowed ? coarseComplexion(complexionOf(skin), before) : undefined;
  return inventPerson(model, skin, randomFrom(0, track), complexion).shape;
};

const apart = (a: Float32Array, b: Float32Array): number =>
  Math.sqrt(a.reduce((sum, value, i) => sum + (value - (b[i] as number)) ** 2, 0) / a.length);

// Complexion is read in steps of a factor of two: only at their borders may somebody else appear.
it('a followed face is the same person in a little more or less light', () => {
  const tracks = Array.from({ length: 8 }, (_, i) => i);
  const lights = [0.94, 0.97, 1.03];
  const changed = (isFollowed: boolean): number =>
    tracks.filter((t) => lights.some((l) => apart(shapeOf(t, 1, isFollowed), shapeOf(t, l, isFollowed)) > 1e-6)).length;
  expect(changed(true)).toBe(0);
  expect(changed(false)).toBeGreaterThan(3);
  expect(apart(shapeOf(1, 1), shapeOf(2, 1))).toBeGreaterThan(0.5);
});

it('a followed face is the same person in light that changes by a half, wherever the steps of complexion lie', () => {
  for (const light of [0.5, 0.6, 0.7, 0.8, 0.9, 1]) {
    const before = coarseComplexion(complexionOf([190 * light, 150 * light, 130 * light]));
    for (const change of [0.85, 1.15]) {
      const shapes = [1, 2, 3].map((track) =>
        apart(shapeOf(track, light, true, before), shapeOf(track, light * change, true, before)),
      );
      expect(Math.max(...shapes), `${light} × ${change}`).toBe(0);
    }
  }
});
