import { boxHeight, boxWidth } from '../../core/geometry.ts';
import type { Box, PoseGuide, RgbImage } from '../../core/types.ts';
import { ModelError } from '../../errors.ts';
import { resizeImage } from '../../image/resize.ts';
import { type Device, openSession, type Session } from '../../models/session.ts';

/** The joints of the person in the middle, [1, 1, 17, 3]: y, x as shares of the input's side, and score 0…1. */
const OUTPUT = 'Identity';
const JOINTS = 17;

/** Side of the square that the network sees, pixels. */
const INPUT = 192;

/** The square around a body, in lengths of its longer side: the network was trained with some margin. */
const CROP = 1.25;

/** Bodies of a shorter longer side, pixels, show no joints. */
const LEAST_SIDE = 32;

/** Scores from which on a joint is sure, and how many have to be, among them how many shoulders and hips. */
const SURE = { score: 0.3, joints: 6, trunk: 2 } as const;

/** Shoulders and hips. */
const TRUNK = [5, 6, 11, 12] as const;

/** MoveNet Lightning (Google, 2021) on one body after the other. */
export class PoseNetwork {
  readonly #session: Session;

  private constructor(session: Session) {
    this.#session = session;
  }

  /** @throws ModelError when the file is not that network. */
  static async open(path: string, device: Device): Promise<PoseNetwork> {
    const session = await openSession(path, 'body-pose', device);
    const found = session.outputs.find((output) => output.name === OUTPUT);
    if (`${found?.shape}` === `${[1, 1, JOINTS, 3]}`) return new PoseNetwork(session);
    await session.release();
    const received = session.outputs.map(({ name, shape }) => `${name} of ${shape.join(' × ')}`).join(', ');
    throw new ModelError(
      `Model body-pose: expected the output ${OUTPUT} of 1 × 1 × ${JOINTS} × 3 but received ${received}`,
    );
  }

  /** @param box around the body, xyxy pixels, not clipped. @returns nothing when the points cannot be relied on. */
  async guide(image: RgbImage, box: Box): Promise<PoseGuide | undefined> {
    if (Math.max(boxWidth(box), boxHeight(box)) < LEAST_SIDE) return undefined;
    const square = squareAround(box);
    const input = await look(image, square);
    if (!input) return undefined;
    const outputs = await this.#session.run(input, [1, 3, INPUT, INPUT]);
    const joints = outputs.get(OUTPUT)?.data ?? [];
    if (joints.length !== 3 * JOINTS || !joints.every(Number.isFinite)) {
      throw new ModelError(`Model body-pose: expected ${3 * JOINTS} finite numbers but received ${joints.length}`);
    }
    const keypoints = Array.from({ length: JOINTS }, (_, k) => ({
      x: square.x + (joints[3 * k + 1] as number) * square.side,
      y: square.y + (joints[3 * k] as number) * square.side,
      score: joints[3 * k + 2] as number,
    }));
    const isSure = (k: number): boolean => (keypoints[k]?.score ?? 0) >= SURE.score;
    const isReliable =
      keypoints.filter((_, k) => isSure(k)).length >= SURE.joints && TRUNK.filter(isSure).length >= SURE.trunk;
    return isReliable ? { kind: 'pose', keypoints } : undefined;
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}

interface Square {
  readonly x: number;
  readonly y: number;
  readonly side: number;
}

function squareAround(box: Box): Square {
  const side = CROP * Math.max(boxWidth(box), boxHeight(box));
  return { x: (box.x1 + box.x2 - side) / 2, y: (box.y1 + box.y2 - side) / 2, side };
}

/** What of the image lies in the square, NCHW, RGB, 0…255, black beyond the image; undefined when nothing does. */
async function look(image: RgbImage, { x, y, side }: Square): Promise<Float32Array | undefined> {
  const scale = INPUT / side;
  const part = {
    x1: Math.max(0, Math.floor(x)),
    y1: Math.max(0, Math.floor(y)),
    x2: Math.min(image.width, Math.ceil(x + side)),
    y2: Math.min(image.height, Math.ceil(y + side)),
  };
  if (part.x1 >= part.x2 || part.y1 >= part.y2) return undefined;
  const left = Math.min(INPUT - 1, Math.max(0, Math.round((part.x1 - x) * scale)));
  const top = Math.min(INPUT - 1, Math.max(0, Math.round((part.y1 - y) * scale)));
  const width = Math.min(INPUT - left, Math.max(1, Math.round(boxWidth(part) * scale)));
  const height = Math.min(INPUT - top, Math.max(1, Math.round(boxHeight(part) * scale)));
  const { data } = await resizeImage(image, width, height, part);
  const input = new Float32Array(3 * INPUT * INPUT);
  for (let c = 0; c < 3; c++) {
    for (let row = 0; row < height; row++) {
      const to = (c * INPUT + top + row) * INPUT + left;
      for (let column = 0; column < width; column++) {
        input[to + column] = data[(row * width + column) * 3 + c] as number;
      }
    }
  }
  return input;
}
