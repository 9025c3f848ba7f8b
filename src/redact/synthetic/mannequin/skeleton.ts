import { boxHeight } from '../../../core/geometry.ts';
import type { Box, Point, PoseGuide } from '../../../core/types.ts';
import type { Random } from '../../random.ts';

/** Least score of a joint that is followed; the others are made up. */
const SEEN = 0.25;

/** Indices into the joints of COCO, left (the person's) and right. */
const PAIRS = {
  shoulder: [5, 6],
  elbow: [7, 8],
  wrist: [9, 10],
  hip: [11, 12],
  knee: [13, 14],
  ankle: [15, 16],
} as const;
const FACE = [0, 1, 2, 3, 4] as const;

/** Lengths in units of the trunk from shoulders to hips (Drillis and Contini, 1966, rounded). */
const LENGTH = {
  shoulders: 0.72,
  hips: 0.38,
  upperArm: 0.6,
  forearm: 0.52,
  thigh: 0.85,
  shin: 0.82,
  head: 0.5,
} as const;

/** Joints move by so much at random, in units of the trunk: lengths of bones tell people apart. */
const JITTER = 0.025;

/** One side of the body, all joints known, pixels. */
export interface Side {
  readonly shoulder: Point;
  readonly elbow: Point;
  readonly wrist: Point;
  readonly hip: Point;
  readonly knee: Point;
  readonly ankle: Point;
  /** Mean score of its joints, 0…1: the side that is farther away is seen less well. */
  readonly score: number;
}

/** A body of all joints: those of the guide, and what was missing made up, upright and symmetric. */
export interface Skeleton {
  readonly left: Side;
  readonly right: Side;
  /** The middle of the head. */
  readonly head: Point;
  /** From hips to shoulders, length 1. */
  readonly up: Point;
  /** Length of a trunk seen without foreshortening, pixels. */
  readonly trunk: number;
  /** Where the nose points: -1 left in the image, 1 right, 0 to or from the camera. */
  readonly facing: number;
  /** Whether the body shows its back. */
  readonly isAway: boolean;
}

type Joint = Point | undefined;

/** @param box around the body, xyxy pixels. */
export function skeletonOf(guide: PoseGuide, box: Box, random: Random): Skeleton {
  const seen = (k: number): Joint => {
    const joint = guide.keypoints[k];
    return joint && joint.score >= SEEN ? { x: joint.x, y: joint.y } : undefined;
  };
  const pair = (name: keyof typeof PAIRS): [Joint, Joint] => [seen(PAIRS[name][0]), seen(PAIRS[name][1])];
  const trunk = trunkLength(pair, box);
  const face = FACE.map(seen).filter((p) => p !== undefined);
  let head = face.length > 0 ? mean(face) : undefined;

  const [knownShoulders, knownHips] = [middle(pair('shoulder')), middle(pair('hip'))];
  const up = direction(knownHips, knownShoulders) ?? direction(knownShoulders, head) ?? { x: 0, y: -1 };
  const chest =
    knownShoulders ?? (knownHips ? along(knownHips, up, trunk) : along(head ?? centre(box), up, -LENGTH.head * trunk));
  const pelvis = knownHips ?? along(chest, up, -trunk);
  const [leftShoulder, rightShoulder] = pair('shoulder');
  const [leftHip, rightHip] = pair('hip');
  // A body that faces the camera has its left on the right of the image.
  const across = direction(rightShoulder, leftShoulder) ?? direction(rightHip, leftHip) ?? { x: -up.y, y: up.x };
  const shoulders = both([leftShoulder, rightShoulder], chest, across, LENGTH.shoulders * trunk);
  const hips = both([leftHip, rightHip], pelvis, across, LENGTH.hips * trunk);
  head ??= along(chest, up, LENGTH.head * trunk);

  const moved = (p: Point): Point => ({
    x: p.x + JITTER * trunk * random.normal(),
    y: p.y + JITTER * trunk * random.normal(),
  });
  const side = (i: 0 | 1): Side => {
    const outward = { x: across.x * (i === 0 ? 1 : -1), y: across.y * (i === 0 ? 1 : -1) };
    const down = { x: -up.x, y: -up.y };
    const shoulder = shoulders[i];
    const hip = hips[i];
    const [elbow, wrist] = limb(shoulder, pair('elbow')[i], pair('wrist')[i], {
      first: LENGTH.upperArm * trunk,
      second: LENGTH.forearm * trunk,
      hanging: unit(along(down, outward, 0.2)),
    });
    const [knee, ankle] = limb(hip, pair('knee')[i], pair('ankle')[i], {
      first: LENGTH.thigh * trunk,
      second: LENGTH.shin * trunk,
      hanging: unit(along(down, outward, 0.06)),
    });
    const scores = Object.values(PAIRS).map((indices) => guide.keypoints[indices[i]]?.score ?? 0);
    const score = scores.reduce((sum, s) => sum + s, 0) / scores.length;
    const [a, b, c, d, e, f] = [shoulder, elbow, wrist, hip, knee, ankle].map(moved) as [
      Point,
      Point,
      Point,
      Point,
      Point,
      Point,
    ];
    return { shoulder: a, elbow: b, wrist: c, hip: d, knee: e, ankle: f, score };
  };
  const turn = turnOf(seen, trunk);
  const isAway =
    leftShoulder !== undefined && rightShoulder !== undefined && leftShoulder.x < rightShoulder.x && !seen(0);
  return { left: side(0), right: side(1), head: moved(head), up, trunk, facing: turn, isAway };
}

/** The second largest of what the visible bones say: foreshortening only makes them shorter, and one may be wrong. */
function trunkLength(pair: (name: keyof typeof PAIRS) => [Joint, Joint], box: Box): number {
  const guesses: number[] = [];
  const guess = (a: Joint, b: Joint, length: number): void => {
    if (a && b) guesses.push(Math.hypot(a.x - b.x, a.y - b.y) / length);
  };
  guess(middle(pair('shoulder')), middle(pair('hip')), 1);
  guess(...pair('shoulder'), LENGTH.shoulders);
  for (const i of [0, 1] as const) {
    guess(pair('shoulder')[i], pair('elbow')[i], LENGTH.upperArm);
    guess(pair('elbow')[i], pair('wrist')[i], LENGTH.forearm);
    guess(pair('hip')[i], pair('knee')[i], LENGTH.thigh);
    guess(pair('knee')[i], pair('ankle')[i], LENGTH.shin);
  }
  guesses.sort((a, b) => b - a);
  const height = boxHeight(box);
  const length = guesses[Math.min(1, guesses.length - 1)] ?? 0.3 * height;
  return Math.min(0.7 * Math.max(height, box.x2 - box.x1), Math.max(0.12 * height, length));
}

/** Where the nose lies between or beside the ears, -1…1. */
function turnOf(seen: (k: number) => Joint, trunk: number): number {
  const nose = seen(0);
  const ears = middle([seen(3), seen(4)]);
  if (!nose || !ears) return 0;
  return Math.max(-1, Math.min(1, (nose.x - ears.x) / (0.15 * trunk)));
}

interface Hanging {
  readonly first: number;
  readonly second: number;
  /** Direction of a limb of which nothing is known. */
  readonly hanging: Point;
}

/** The middle and the end of an arm or a leg. */
function limb(root: Point, mid: Joint, end: Joint, { first, second, hanging }: Hanging): [Point, Point] {
  const bend = mid ?? (end ? mean([root, end]) : along(root, hanging, first));
  return [bend, end ?? along(bend, direction(root, bend) ?? hanging, second)];
}

/** Two symmetric joints: both when known, else beside the one or around the middle. */
function both([left, right]: [Joint, Joint], centre: Point, across: Point, width: number): [Point, Point] {
  if (left && right) return [left, right];
  if (left) return [left, along(left, across, -width)];
  if (right) return [along(right, across, width), right];
  return [along(centre, across, width / 2), along(centre, across, -width / 2)];
}

const along = (p: Point, d: Point, length: number): Point => ({ x: p.x + d.x * length, y: p.y + d.y * length });

const centre = ({ x1, y1, x2, y2 }: Box): Point => ({ x: (x1 + x2) / 2, y: (y1 + y2) / 2 });

function mean(points: readonly Point[]): Point {
  const sum = points.reduce((s, p) => along(s, p, 1), { x: 0, y: 0 });
  return { x: sum.x / points.length, y: sum.y / points.length };
}

function middle(joints: readonly Joint[]): Joint {
  const known = joints.filter((p) => p !== undefined);
  return known.length > 0 ? mean(known) : undefined;
}

function unit(p: Point): Point {
  const length = Math.hypot(p.x, p.y);
  return { x: p.x / length, y: p.y / length };
}

/** Undefined when a point is missing or both are the same. */
function direction(from: Joint, to: Joint): Joint {
  if (!from || !to || Math.hypot(to.x - from.x, to.y - from.y) < 1e-6) return undefined;
  return unit({ x: to.x - from.x, y: to.y - from.y });
}
