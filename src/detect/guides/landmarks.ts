import { boundingBox, boxHeight, boxWidth, growBox } from '../../core/geometry.ts';
import type { Box, FaceGuide, Point, RgbImage } from '../../core/types.ts';
import { ModelError } from '../../errors.ts';
import { type Device, openSession, type Session } from '../../models/session.ts';
import { type Crop, cropToImage, type Part, partOf, sampleCrop } from './face-crop.ts';
import { isPlausibleFace, mirrorFace, spreadOf } from './face-points.ts';
import { gazeOf } from './gaze.ts';

const NAME = 'face-landmarks';
const SIZE = 112;
const MEAN = [122.782, 117.001, 104.298] as const;
const POINTS = 68;

/** Side of the first crop, in longer sides of the box. */
const FIRST_SIDE = 1.15;

/**
 * The second crop follows the points seen in the first, within limits: they are noise where the first look failed.
 * `fit` in longer sides of their bounding box; `least`, `most` and `shift` in sides of the first crop; `turn` in radians.
 */
const SECOND = { fit: 1.2, least: 0.85, most: 1.3, shift: 0.2, turn: 0.8 } as const;

/** Beyond this mean distance between a look and its mirror image, in shares of the face's size, points are not relied on. */
const MAX_SPREAD = 0.12;

/**
 * Finds the 68 points of a face with face-api's network.
 *
 * It looks at a square around the box, then at an upright one around what it saw; both times at the mirror image, too.
 * The mean is taken; how far a look and its mirror image disagree says whether the points can be relied on. Of frontal
 * faces it tells the usable ones at 24 pixels of height, of which it gets nine in ten within 4 % of the face's size.
 */
export class LandmarkNetwork {
  readonly #session: Session;

  private constructor(session: Session) {
    this.#session = session;
  }

  /** @throws ModelError when the file cannot be opened. */
  static async open(path: string, device: Device): Promise<LandmarkNetwork> {
    return new LandmarkNetwork(await openSession(path, NAME, device));
  }

  /**
   * @param box around the face, xyxy pixels, not clipped.
   * @returns nothing when the points cannot be relied on.
   * @throws ModelError when the network's output is unusable.
   */
  async guide(image: RgbImage, box: Box): Promise<FaceGuide | undefined> {
    const sighting = await this.look(image, box);
    if (!sighting || sighting.spread > MAX_SPREAD || !isPlausibleFace(sighting.landmarks)) return undefined;
    const { landmarks, gaze } = sighting;
    return { kind: 'face', landmarks, ...(gaze ? { gaze } : {}) };
  }

  /** The points, however doubtful, and the mean distance between two looks at them in shares of the face's size. */
  async look(
    image: RgbImage,
    box: Box,
  ): Promise<{ landmarks: Point[]; spread: number; gaze: FaceGuide['gaze'] } | undefined> {
    const part = await partOf(image, growBox(box, 0.5), 2 * SIZE);
    if (!part) return undefined;
    const first = {
      centre: { x: (box.x1 + box.x2) / 2, y: (box.y1 + box.y2) / 2 },
      side: FIRST_SIDE * Math.max(boxWidth(box), boxHeight(box)),
      angle: 0,
      mirrored: false,
    };
    const { landmarks } = await this.#seeTwice(part, first);
    const sighting = await this.#seeTwice(part, cropAround(landmarks, first));
    return { ...sighting, gaze: gazeOf(part, sighting.landmarks) };
  }

  /** Looks at a crop and its mirror image. */
  async #seeTwice(part: Part, crop: Crop): Promise<{ landmarks: Point[]; spread: number }> {
    const plain = await this.#see(part, crop);
    const mirrored = mirrorFace(await this.#see(part, { ...crop, mirrored: true }));
    const landmarks = plain.map((p, i) => {
      const q = mirrored[i] as Point;
      return { x: (p.x + q.x) / 2, y: (p.y + q.y) / 2 };
    });
    return { landmarks, spread: spreadOf(plain, mirrored) };
  }

  async #see(part: Part, crop: Crop): Promise<Point[]> {
    const tensor = sampleCrop(part, crop, SIZE, MEAN);
    const output = (await this.#session.run(tensor, [1, 3, SIZE, SIZE])).get('landmarks')?.data;
    if (output?.length !== 2 * POINTS || !output.every(Number.isFinite)) {
      throw new ModelError(`Model ${NAME}: expected ${2 * POINTS} finite numbers but received ${output?.length ?? 0}`);
    }
    return Array.from({ length: POINTS }, (_, i) =>
      cropToImage(crop, { x: output[2 * i] as number, y: output[2 * i + 1] as number }),
    );
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}

/** Upright square around a face whose points are known roughly, not far from the one in which they were seen. */
function cropAround(points: readonly Point[], seen: Crop): Crop {
  const left = middle(points.slice(36, 42));
  const right = middle(points.slice(42, 48));
  const angle = clamp(Math.atan2(right.y - left.y, right.x - left.x), SECOND.turn);
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  const upright = boundingBox(points.map(({ x, y }) => ({ x: x * cos + y * sin, y: y * cos - x * sin })));
  const u = (upright.x1 + upright.x2) / 2;
  const v = (upright.y1 + upright.y2) / 2;
  const reach = SECOND.shift * seen.side;
  const side = SECOND.fit * Math.max(boxWidth(upright), boxHeight(upright));
  return {
    centre: {
      x: seen.centre.x + clamp(u * cos - v * sin - seen.centre.x, reach),
      y: seen.centre.y + clamp(u * sin + v * cos - seen.centre.y, reach),
    },
    side: Math.min(SECOND.most * seen.side, Math.max(SECOND.least * seen.side, side)),
    angle,
    mirrored: false,
  };
}

const clamp = (value: number, most: number): number => Math.max(-most, Math.min(most, value));

function middle(points: readonly Point[]): Point {
  const n = points.length;
  return { x: points.reduce((sum, p) => sum + p.x, 0) / n, y: points.reduce((sum, p) => sum + p.y, 0) / n };
}
