import type { Box, Point } from '../../core/types.ts';

/** Standard deviation of the frames that a pose is averaged over, and how many of them on each side. */
const EVEN = { deviation: 2, reach: 6 } as const;

/** Something that is known of some frames. */
export interface InFrame {
  readonly frame: number;
}

/** What is known of a frame near another, and how much it counts there. */
export interface Near<T> {
  readonly one: T;
  readonly weight: number;
}

/** What is known of the frames next to that of `known[at]`, itself included. @param known in order of frames. */
export function nearTo<T extends InFrame>(known: readonly T[], at: number): Near<T>[] {
  const { frame } = known[at] as T;
  return known.slice(Math.max(0, at - EVEN.reach), at + EVEN.reach + 1).flatMap((one) => {
    const distance = Math.abs(one.frame - frame);
    return distance > EVEN.reach ? [] : [{ one, weight: weightAt(distance) }];
  });
}

const weightAt = (distance: number): number => Math.exp(-0.5 * (distance / EVEN.deviation) ** 2);

/** @returns nothing for nothing. */
export function weightedMean<T>(near: readonly Near<T>[], of: (one: T) => readonly number[]): number[] {
  const total = near.reduce((sum, { weight }) => sum + weight, 0);
  const sums: number[] = [];
  for (const { one, weight } of near) {
    for (const [k, value] of of(one).entries()) sums[k] = (sums[k] ?? 0) + (weight / total) * value;
  }
  return sums;
}

/** Straight between the frames that are known, and the same as the nearest beyond them. */
export function inAllFrames<T extends InFrame>(
  known: readonly T[],
  length: number,
  of: (one: T) => readonly number[],
): number[][] {
  let next = 0;
  return Array.from({ length }, (_, frame) => {
    while (next < known.length - 1 && (known[next] as T).frame < frame) next++;
    const after = known[next] as T;
    const before = after.frame > frame ? (known[next - 1] ?? after) : after;
    if (before === after || after.frame < frame) return [...of(after)];
    const share = (frame - before.frame) / (after.frame - before.frame);
    return of(before).map((value, k) => value + share * ((of(after)[k] as number) - value));
  });
}

/**
 * Where a thing is in every frame: the middle of its box, averaged over as many frames before as after, so that it goes on
 * as the thing moves while outlines tremble.
 */
export function evenMiddles(boxes: readonly Box[]): Point[] {
  return boxes.map((_, i) => {
    const reach = Math.min(EVEN.reach, i, boxes.length - 1 - i);
    const near = boxes.slice(i - reach, i + reach + 1).map((one, k) => ({ one, weight: weightAt(k - reach) }));
    const [x = 0, y = 0] = weightedMean(near, ({ x1, y1, x2, y2 }) => [(x1 + x2) / 2, (y1 + y2) / 2]);
    return { x, y };
  });
}
