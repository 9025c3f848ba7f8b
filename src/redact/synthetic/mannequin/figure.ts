import type { Point } from '../../../core/types.ts';
import type { Random } from '../../random.ts';
import type { Side, Skeleton } from './skeleton.ts';

/** Red, green, blue, 0…255, in plain light. */
export type Colour = readonly [number, number, number];

/** A solid seen along z (towards the viewer); pixels. */
export interface Part {
  readonly shape: Cone | Slab;
  readonly colour: Colour;
  /** How strongly cloth folds, 0…1. */
  readonly folds: number;
}

/** A round cone between two balls. */
export interface Cone {
  readonly kind: 'cone';
  readonly a: Ball;
  readonly b: Ball;
}

/** A trunk: an elliptic tube around an axis, rounded at both ends. */
export interface Slab {
  readonly kind: 'slab';
  readonly top: Point;
  readonly bottom: Point;
  /** Half its width at the top, at the waist (three fifths down) and at the bottom. */
  readonly halfWidths: readonly [number, number, number];
  /** Half its depth, and the height of its rounded ends. */
  readonly depth: number;
  readonly cap: number;
}

export interface Ball extends Point {
  readonly z: number;
  readonly radius: number;
}

export interface Figure {
  readonly parts: readonly Part[];
  /** Length of the trunk, pixels. */
  readonly trunk: number;
  /** Where the feet stand, pixels. */
  readonly feet: readonly Point[];
}

const CLOTH: readonly Colour[] = [
  [52, 60, 78],
  [84, 92, 104],
  [150, 152, 156],
  [206, 206, 202],
  [38, 40, 44],
  [122, 58, 54],
  [64, 88, 116],
  [74, 92, 70],
  [146, 124, 96],
  [176, 148, 92],
  [98, 78, 108],
];
const TROUSERS: readonly Colour[] = [
  [44, 50, 66],
  [36, 36, 40],
  [78, 80, 84],
  [120, 108, 88],
  [62, 78, 104],
  [88, 76, 62],
];
const SHOES: readonly Colour[] = [
  [34, 32, 32],
  [70, 54, 42],
  [170, 170, 168],
];
const SKIN: readonly Colour[] = [
  [226, 188, 164],
  [206, 162, 134],
  [174, 126, 96],
  [132, 92, 68],
  [96, 66, 50],
];
const HAIR: readonly Colour[] = [
  [34, 28, 26],
  [66, 46, 34],
  [112, 82, 54],
  [140, 136, 132],
];

/** Radii in units of the trunk, before a build is drawn. */
const RADIUS = {
  chest: 0.2,
  hip: 0.17,
  upperArm: 0.095,
  elbow: 0.075,
  wrist: 0.055,
  hand: 0.06,
  thigh: 0.15,
  knee: 0.105,
  ankle: 0.07,
  foot: 0.065,
  neck: 0.085,
  head: 0.165,
} as const;

/** A dressed figure of random build around a skeleton. */
export function figureOf(skeleton: Skeleton, random: Random): Figure {
  const { left, right, head, up, trunk, facing, isAway } = skeleton;
  const build = 0.88 + 0.3 * random.next();
  const legs = build * (0.94 + 0.12 * random.next());
  const r = (name: keyof typeof RADIUS, scale = build): number => RADIUS[name] * trunk * scale;
  const shirt = random.pick(CLOTH);
  const trousers = random.pick(TROUSERS);
  const skin = random.pick(SKIN);
  const sleeve = random.next() < 0.55 ? shirt : skin;
  const shin = random.next() < 0.8 ? trousers : skin;
  const shoe = random.pick(SHOES);
  const parts: Part[] = [];
  const add = (colour: Colour, folds: number, a: Ball, b: Ball): void => {
    parts.push({ shape: { kind: 'cone', a, b }, colour, folds });
  };
  /** The side that is seen better is nearer. */
  const near = Math.max(-1, Math.min(1, 3 * (left.score - right.score))) * 0.16 * trunk;
  const chest = mean(left.shoulder, right.shoulder);
  const pelvis = mean(left.hip, right.hip);

  for (const [side, z] of [
    [left, near],
    [right, -near],
  ] as const) {
    const arm = armDepth(side, chest, trunk, isAway) + z;
    add(shirt, 0.8, ball(lerp(side.shoulder, chest, 0.08), z, r('upperArm') * 1.1), ball(side.elbow, arm, r('elbow')));
    add(sleeve, sleeve === shirt ? 0.8 : 0, ball(side.elbow, arm, r('elbow')), ball(side.wrist, arm, r('wrist')));
    const reach = lerp(side.elbow, side.wrist, 1 + (0.13 * trunk) / Math.max(1, distance(side.elbow, side.wrist)));
    add(skin, 0, ball(side.wrist, arm, r('wrist') * 0.95), ball(reach, arm, r('hand')));
    add(trousers, 0.9, ball(side.hip, z, r('thigh', legs)), ball(side.knee, z, r('knee', legs)));
    add(shin, shin === trousers ? 0.9 : 0, ball(side.knee, z, r('knee', legs)), ball(side.ankle, z, r('ankle', legs)));
    const toe = {
      x: side.ankle.x + trunk * (facing * 0.16 + (side === left ? 0.03 : -0.03)) - up.x * 0.1 * trunk,
      y: side.ankle.y - up.y * 0.1 * trunk,
    };
    add(shoe, 0, ball(side.ankle, z, r('ankle', legs) * 0.95), ball(toe, z + 0.04 * trunk, r('foot', legs) * 1.15));
  }
  const halfWidth = (a: Point, b: Point, flesh: number): number => distance(a, b) / 2 + flesh * build * trunk;
  const shoulders = halfWidth(left.shoulder, right.shoulder, 0.1);
  const hips = halfWidth(left.hip, right.hip, 0.16);
  parts.push({
    shape: {
      kind: 'slab',
      top: chest,
      bottom: lerp(chest, pelvis, 0.95),
      halfWidths: [shoulders, Math.max(0.2 * trunk, 0.44 * (shoulders + hips)), hips],
      depth: r('chest'),
      cap: 0.15 * trunk,
    },
    colour: shirt,
    folds: 0.8,
  });
  add(trousers, 0.5, ball(left.hip, near * 0.4, r('hip', legs)), ball(right.hip, -near * 0.4, r('hip', legs)));

  const size = 0.94 + 0.12 * random.next();
  const tall = 0.075 * trunk * size;
  const tip = (by: number): Point => ({ x: head.x + up.x * by, y: head.y + up.y * by });
  add(skin, 0, ball(chest, 0, r('neck') * 1.1), ball(tip(-0.1 * trunk), 0, r('neck')));
  add(skin, 0, ball(tip(-0.9 * tall), 0.06 * trunk, r('head', size) * 0.86), ball(tip(tall), 0, r('head', size)));
  const hair = tip(tall + 0.045 * trunk);
  const back = isAway ? 0.08 * trunk : -0.075 * trunk;
  const nape = isAway ? tip(-0.4 * tall) : hair;
  add(
    random.pick(HAIR),
    0.3,
    ball({ x: hair.x - facing * 0.05 * trunk, y: hair.y }, back, r('head', size) * 1.04),
    ball(nape, back, r('head', size)),
  );
  return { parts, trunk, feet: [left.ankle, right.ankle] };
}

/** An arm before the trunk is nearer than it, or farther on a body that shows its back. */
function armDepth({ wrist, elbow }: Side, chest: Point, trunk: number, isAway: boolean): number {
  const isBefore = Math.abs((wrist.x + elbow.x) / 2 - chest.x) < 0.42 * trunk;
  return (isBefore ? 0.2 : 0.04) * trunk * (isAway ? -1 : 1);
}

const ball = ({ x, y }: Point, z: number, radius: number): Ball => ({ x, y, z, radius });
const lerp = (a: Point, b: Point, t: number): Point => ({ x: a.x + (b.x - a.x) * t, y: a.y + (b.y - a.y) * t });
const mean = (a: Point, b: Point): Point => lerp(a, b, 0.5);
const distance = (a: Point, b: Point): number => Math.hypot(a.x - b.x, a.y - b.y);
