import type { Random } from '../../random.ts';
import type { FaceModel } from './model.ts';

/** Somebody who does not exist. */
export interface Person {
  /** [points, 3]: the frontal face with the mean's expression. */
  readonly shape: Float32Array;
  /** [height, width, 3]: ratios to the colour of the skin. */
  readonly texture: Float32Array;
}

/** How many of the model's faces make a new one. */
const PARENTS = 3;
type Colour = readonly [number, number, number];

const brightnessOf = ([r = 0, g = 0, b = 0]: ArrayLike<number> & Iterable<number>): number =>
  0.3 * r + 0.59 * g + 0.11 * b;

/** Logarithm of the brightness of skin. @param colour RGB, 0…255; more is passed over. */
export function complexionOf(colour: Colour | Uint8Array): number {
  return Math.log(brightnessOf(colour) + 4);
}

/** A complexion in coarse steps. @param before the same in the frame before: one between two steps stays where it was. */
export function coarseComplexion(complexion: number, before?: number): number {
  if (before !== undefined && Math.abs(complexion - before) <= (0.5 + CLEARLY) * COARSELY) return before;
  return Math.round(complexion / COARSELY) * COARSELY;
}

/** Share of the model's faces, the nearest in complexion, from which they are taken. */
const ALIKE = 0.5;
/** Step in which the complexion of a followed face is read: a factor of two of brightness. */
const COARSELY = 0.7;
/** Share of a step by which a complexion must be nearer to another step than to the one where it was before. */
const CLEARLY = 0.25;
/** Blends of few faces are nearer the mean than faces are; this much of the difference is made up. */
const VIVIDNESS = 0.9;

/**
 * Mixes a new face from some of the model's.
 * @param skin its colour in the photograph, 0…255: how features stand out depends on the complexion.
 * @param followed complexion in steps, when the face is one of many frames: more or less light must not make somebody
 * else of it.
 */
export function inventPerson(model: FaceModel, skin: Colour, random: Random, followed?: number): Person {
  const { peopleCount, people, peopleScales, shapeModeCount, points } = model;
  const complexion = followed ?? complexionOf(skin);
  const order = Array.from({ length: peopleCount }, (_, i) => ({
    i,
    distance: Math.abs(complexionOf(model.tones.subarray(3 * i)) - complexion),
  }));
  order.sort((a, b) => a.distance - b.distance || a.i - b.i);
  const alike = order.slice(0, Math.max(PARENTS, Math.round(peopleCount * ALIKE)));
  const parents =
    followed !== undefined
      ? firstAlike(alike, peopleCount, random)
      : Array.from({ length: PARENTS }, () => alike.splice(random.int(0, alike.length - 1), 1)[0]?.i as number);
  const shares = parents.map(() => 0.3 + random.next());
  const norm = Math.sqrt(shares.reduce((sum, s) => sum + s * s, 0)) / VIVIDNESS;
  const modes = peopleScales.length;
  const coefficients = Float64Array.from({ length: modes }, (_, k) =>
    parents.reduce(
      (sum, p, j) =>
        sum + ((shares[j] as number) / norm) * (people[p * modes + k] as number) * (peopleScales[k] as number),
      0,
    ),
  );

  const shape = model.mean.slice();
  for (let k = 0; k < shapeModeCount; k++) {
    for (let i = 0; i < points * 2; i++) {
      const at = (i >> 1) * 3 + (i & 1);
      shape[at] =
        (shape[at] as number) + (coefficients[k] as number) * (model.shapeModes[k * points * 2 + i] as number);
    }
  }
  return { shape, texture: textureOf(model, coefficients.subarray(shapeModeCount), skin) };
}

/** The first of all faces, in an order that chance alone decides, that are alike: the light decides at most who is left out. */
function firstAlike(alike: readonly { readonly i: number }[], peopleCount: number, random: Random): number[] {
  const isAlike = new Set(alike.map(({ i }) => i));
  return Array.from({ length: peopleCount }, (_, i) => ({ i, place: random.next() }))
    .sort((a, b) => a.place - b.place)
    .filter(({ i }) => isAlike.has(i))
    .slice(0, PARENTS)
    .map(({ i }) => i);
}

/** The texture under the light of the photograph, in which the skin has that colour. */
function textureOf(model: FaceModel, coefficients: Float64Array, skin: Colour): Float32Array {
  const { width, height, places, halfPlaces, textureMean, textureModes, textureScales } = model;
  const length = textureMean.length;
  const values = textureMean.slice();
  for (let k = 0; k < coefficients.length; k++) {
    const factor = (coefficients[k] as number) * (textureScales[k] as number);
    const from = k * length;
    for (let i = 0; i < length; i++) values[i] = (values[i] as number) + factor * (textureModes[from + i] as number);
  }
  const half = new Float32Array((width / 2) * (height / 2) * 2);
  for (const [i, place] of halfPlaces.entries()) {
    half[2 * place] = values[places.length + i] as number;
    half[2 * place + 1] = values[places.length + halfPlaces.length + i] as number;
  }
  const bright = Math.max(4, brightnessOf(skin));
  const [red, green, blue] = skin.map((c) => Math.max(0.1, c / bright)) as [number, number, number];
  const texture = new Float32Array(width * height * 3).fill(1);
  for (const [i, place] of places.entries()) {
    const y = Math.max(0, values[i] as number);
    const at = 2 * ((((place / width) >> 1) * width) / 2 + ((place % width) >> 1));
    const r = Math.max(0, red + (half[at] as number));
    const b = Math.max(0, blue + (half[at + 1] as number));
    const g = Math.max(0, (1 - 0.3 * r - 0.11 * b) / 0.59);
    texture[3 * place] = (y * r) / red;
    texture[3 * place + 1] = (y * g) / green;
    texture[3 * place + 2] = (y * b) / blue;
  }
  return texture;
}
