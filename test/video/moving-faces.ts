import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import sharp, { type Sharp } from 'sharp';
import type { Box, RgbImage } from '../../src/core/types.ts';

const PHOTOGRAPHS = path.join(
  path.dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json')),
  'demo',
);

/** Faces in the photographs that face-api's package ships: file, and the face in pixels. */
const FACES: readonly (readonly [string, number, number, number, number])[] = [
  ['sample1.jpg', 409, 348, 614, 594],
  ['sample3.jpg', 576, 318, 842, 646],
  ['sample4.jpg', 655, 64, 863, 324],
  ['sample5.jpg', 769, 92, 951, 336],
  ['sample6.jpg', 671, 313, 896, 629],
];

/** A face with the head around it, cut out of a photograph. */
interface Cut {
  readonly image: RgbImage;
  /** The face within it, pixels. */
  readonly face: Box;
}

async function raw(image: Sharp): Promise<RgbImage> {
  const { data, info } = await image.removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}

/** The n-th face, `height` pixels high, with two thirds of its size around it. */
export async function cutFace(n: number, height: number): Promise<Cut> {
  const [file, x1, y1, x2, y2] = FACES[n % FACES.length] as (typeof FACES)[number];
  const [around, scale] = [Math.round((y2 - y1) * 0.6), height / (y2 - y1)];
  const [left, top] = [Math.max(0, x1 - around), Math.max(0, y1 - around)];
  const size = { left, top, width: x2 + around - left, height: y2 + around - top };
  const photograph = sharp(await readFile(path.join(PHOTOGRAPHS, file)));
  const image = await raw(photograph.extract(size).resize(Math.round(size.width * scale)));
  const at = (value: number, from: number): number => (value - from) * scale;
  return { image, face: { x1: at(x1, left), y1: at(y1, top), x2: at(x2, left), y2: at(y2, top) } };
}

/** Draws `cut` with the middle of its face at `x`, `y`, in an ellipse around the head. @returns the face, not clipped. */
export function drawFace(frame: RgbImage, { image, face }: Cut, x: number, y: number): Box {
  const [left, top] = [Math.round(x - (face.x1 + face.x2) / 2), Math.round(y - (face.y1 + face.y2) / 2)];
  const [a, b] = [image.width / 2, image.height / 2];
  for (let row = 0; row < image.height; row++) {
    const to = row + top;
    if (to < 0 || to >= frame.height) continue;
    for (let column = 0; column < image.width; column++) {
      const at = column + left;
      const isInside = ((column - a) / a) ** 2 + ((row - b) / b) ** 2 <= 1;
      if (at < 0 || at >= frame.width || !isInside) continue;
      const from = (row * image.width + column) * 3;
      frame.data.set(image.data.subarray(from, from + 3), (to * frame.width + at) * 3);
    }
  }
  return { x1: face.x1 + left, y1: face.y1 + top, x2: face.x2 + left, y2: face.y2 + top };
}

/** A ground of soft colours that moves with the camera. */
export function ground(width: number, height: number, shift: number, tint: number): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 3;
      const u = (x + shift) / 37;
      data[at] = 110 + 50 * Math.sin(u + tint) + 20 * Math.sin(y / 11);
      data[at + 1] = 120 + 40 * Math.sin(u * 0.7 + y / 53 + 2 * tint);
      data[at + 2] = 100 + 45 * Math.sin(y / 29 - u * 0.3 + 3 * tint);
    }
  }
  return { data, width, height };
}

/** A post that hides what is behind it. */
export function drawPost(frame: RgbImage, from: number, to: number): void {
  for (let y = 0; y < frame.height; y++) {
    for (let x = Math.max(0, from); x < Math.min(frame.width, to); x++)
      frame.data.set([70, 62, 55], (y * frame.width + x) * 3);
  }
}

/** One frame and the faces in it that can be seen, pixels, not clipped. */
export interface FacesFrame {
  readonly rgb: RgbImage;
  readonly faces: readonly Box[];
}

export const WIDTH = 384;
export const HEIGHT = 216;

/**
 * Three scenes of faces that move over a ground: one passes behind a post, one comes in fast and leaves again, two cross;
 * with a cut after each.
 * @param length frames of a scene.
 */
export async function movingFaces(length: number): Promise<FacesFrame[]> {
  const cuts = await Promise.all([cutFace(0, 56), cutFace(1, 48), cutFace(2, 64), cutFace(3, 44)]);
  const [walker, runner, left, right] = cuts as [Cut, Cut, Cut, Cut];
  const frames: FacesFrame[] = [];
  const scene = (tint: number, draw: (frame: RgbImage, t: number) => Box[]): void => {
    for (let i = 0; i < length; i++) {
      const rgb = ground(WIDTH, HEIGHT, i * 2 * tint, tint);
      const faces = draw(rgb, i / (length - 1));
      frames.push({ rgb, faces });
    }
  };
  scene(1, (frame, t) => {
    const face = drawFace(frame, walker, -40 + (WIDTH + 80) * t, 100 + 20 * Math.sin(6 * t));
    const post = { x1: 200, x2: 226 };
    drawPost(frame, post.x1, post.x2);
    return [face];
  });
  scene(2, (frame, t) => [
    // In from the right, to the middle, and out again at the top: up to half a face in a frame.
    drawFace(frame, runner, WIDTH + 30 - 260 * Math.sin(Math.PI * t), 130 - 200 * Math.max(0, t - 0.5)),
  ]);
  scene(0.5, (frame, t) => [drawFace(frame, left, 70 + 240 * t, 90), drawFace(frame, right, 310 - 240 * t, 110)]);
  return frames;
}

/** Share of the pixels of a face within the frame that is masked; 1 for none. @param mask 1 by pixel. */
export function shareMasked(face: Box, mask: Uint8Array): number {
  let all = 0;
  let masked = 0;
  for (let y = Math.max(0, Math.ceil(face.y1)); y < Math.min(HEIGHT, face.y2); y++) {
    for (let x = Math.max(0, Math.ceil(face.x1)); x < Math.min(WIDTH, face.x2); x++) {
      all++;
      masked += mask[y * WIDTH + x] as number;
    }
  }
  return all === 0 ? 1 : masked / all;
}

/** Encodes frames as an mp4 of 25 frames a second, hardly lossy. */
export function writeClip(ffmpeg: string, file: string, frames: readonly RgbImage[]): void {
  const [{ width, height }] = frames as [RgbImage];
  const input = ['-f', 'rawvideo', '-pixel_format', 'rgb24', '-video_size', `${width}x${height}`, '-framerate', '25'];
  const output = ['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '12', '-pix_fmt', 'yuv420p', file];
  execFileSync(ffmpeg, ['-loglevel', 'error', '-y', ...input, '-i', '-', ...output], {
    input: Buffer.concat(frames.map(({ data }) => data)),
    maxBuffer: 1 << 28,
  });
}
