import { readFileSync } from 'node:fs';
import type { FaceGuide, Point, Region } from '../../../src/core/types.ts';
import { type FaceModel, parseFaceModel } from '../../../src/redact/synthetic/face/model.ts';
import { detect, regionOf } from '../scenes.ts';

export const MODEL_FILE = new URL('../../../models/synthetic-face.bin', import.meta.url);
export const model: FaceModel = parseFaceModel(readFileSync(MODEL_FILE));

export interface Stance {
  readonly x: number;
  readonly y: number;
  /** From ear to ear, pixels. */
  readonly size: number;
  /** Radians: to the side, and clockwise on screen. */
  readonly turn?: number;
  readonly tilt?: number;
  /** Pixels of the frame by which the lower lip is dropped. */
  readonly opening?: number;
}

/** The points of the mean face in that stance. */
export function guideOf({ x, y, size, turn = 0, tilt = 0, opening = 0 }: Stance): FaceGuide {
  const scale = size / 118;
  const landmarks = Array.from({ length: 68 }, (_, i): Point => {
    const [u, v, w] = [0, 1, 2].map((k) => model.mean[3 * i + k] as number) as [number, number, number];
    const lower = (i >= 55 && i <= 59) || i >= 65 ? opening : 0;
    const across = (u - model.width / 2) * Math.cos(turn) + w * Math.sin(turn);
    const down = v + lower - model.height / 2;
    return {
      x: x + scale * (across * Math.cos(tilt) - down * Math.sin(tilt)),
      y: y + scale * (across * Math.sin(tilt) + down * Math.cos(tilt)),
    };
  });
  return { kind: 'face', landmarks };
}

/** The region of a face in that stance, in an image of that size. */
export function faceRegion(stance: Stance, width: number, height: number): Region {
  const { x, y, size } = stance;
  const [w, h] = [size * 0.52, size * 0.66];
  const region = regionOf(detect('face', [x - w, y - h, x + w, y + h]), 'synthetic', width, height);
  return { ...region, guide: guideOf(stance) };
}
