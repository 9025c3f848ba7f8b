import { expect, it } from 'vitest';
import { randomFrom } from '../../../src/redact/random.ts';
import { inventPerson } from '../../../src/redact/synthetic/face/person.ts';
import { model } from './faces.ts';

/** The shape of the face of a track in light of that strength. */
const shapeOf = (track: number, light: number, isFollowed = true): Float32Array =>
  inventPerson(model, [190 * light, 150 * light, 130 * light], randomFrom(0, track), isFollowed).shape;

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
