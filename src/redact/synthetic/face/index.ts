import type { FaceGuide, Region, RgbImage } from '../../../core/types.ts';
import { blurPainter } from '../../blur.ts';
import { type Patch, patchBox, type Replacer } from '../../patch.ts';
import { applyExpression, readExpression } from './expression.ts';
import { addNoise, measureGrain } from './grain.ts';
import { blurLayer, emptyLayer, type Layer } from './layer.ts';
import { estimateLight, type FaceFrame, shine } from './light.ts';
import type { FaceModel } from './model.ts';
import { drawMouth } from './mouth.ts';
import { inventPerson } from './person.ts';
import { fitPose, frontalShape, type Pose, posedShape } from './pose.ts';
import { doubleLayer, drawTriangle, pyramid } from './raster.ts';

export { type FaceModel, parseFaceModel } from './model.ts';

/** Points that are farther from the mean face than this, in pixels of the frame, are not those of a face. */
const MOST_RESIDUAL = 14;
/** Smaller faces, in pixels of the image per pixel of the frame, are blobs: blur does as well. */
const LEAST_SCALE = 0.06;

/**
 * Draws the face of nobody where a face was, in its pose and with its expression. What shows of the source is what
 * `blur` leaves, of which the light and complexion are taken, too, and what the guide says in coarse steps.
 */
export function faceReplacer(model: FaceModel): Replacer {
  return (scene, region, random) => {
    if (region.guide?.kind !== 'face') return undefined;
    const pose = fitPose(region.guide.landmarks, model.mean);
    if (!(pose.residual < MOST_RESIDUAL && pose.scale > LEAST_SCALE)) return undefined;
    const box = patchBox(region, scene.image);
    const width = box.x2 - box.x1;
    const height = box.y2 - box.y1;
    const base = paintBase(scene.image, region, box.x1, box.y1, width, height);

    const expression = readExpression(model, frontalShape(region.guide.landmarks, pose, model.mean));
    const rough = drawWeights(model, pose, box.x1, box.y1, width, height);
    if (!rough) return undefined;
    const light = estimateLight(model, base, rough.weights, rough.frame);
    const person = inventPerson(model, light.colour, random);
    const shape = person.shape;
    applyExpression(model, shape, expression);
    lookTo(model, shape, region.guide);

    const places = shifted(posedShape(shape, pose), box.x1, box.y1);
    const layer = emptyLayer(width, height);
    const levels = pyramid(textureLayer(model, person.texture, pose.scale));
    drawMesh(layer, model, places, levels, (levels[0] as Layer).width / model.width);
    drawMouth(layer, model, places, pose.scale, light.colour, random);
    shine(layer, light, meanRatio(layer), rough.frame);
    const grain = measureGrain(scene, region.box);
    blurLayer(layer, Math.sqrt(Math.max(0.16, grain.blur ** 2 - 0.25 * Math.max(1, pose.scale) ** 2)));
    compose(base, layer);
    addNoise(base, width, grain.noise, random);
    return { image: { data: toBytes(base), width, height }, x: box.x1, y: box.y1 } satisfies Patch;
  };
}

/** What `blur` leaves: RGB floats. */
function paintBase(image: RgbImage, region: Region, x: number, y: number, width: number, height: number): Float32Array {
  const paint = blurPainter(image, region);
  const line = new Uint8Array(width * 3);
  const base = new Float32Array(width * height * 3);
  for (let row = 0; row < height; row++) {
    paint(y + row, x, x + width, line, 0);
    base.set(line, row * width * 3);
  }
  return base;
}

function shifted(places: Float32Array, x: number, y: number): Float32Array {
  for (let i = 0; i < places.length; i += 3) {
    places[i] = (places[i] as number) - x;
    places[i + 1] = (places[i + 1] as number) - y;
  }
  return places;
}

/** Where the mean face shows, most of all between brows and mouth. */
function drawWeights(
  model: FaceModel,
  pose: Pose,
  x: number,
  y: number,
  width: number,
  height: number,
): { weights: Float32Array; frame: FaceFrame } | undefined {
  const places = shifted(posedShape(model.mean, pose), x, y);
  const frame = frameOf(places, width, height);
  const texture = emptyLayer(model.width, model.height);
  const [brows, lip] = [model.uv[2 * 19 + 1] as number, model.uv[2 * 51 + 1] as number];
  for (let i = 0; i < model.alpha.length; i++) {
    const row = Math.floor(i / model.width);
    const zone = row < brows ? 0.5 : row > lip ? 0.4 : 1;
    texture.data[4 * i + 3] = ((model.alpha[i] as number) / 255) * zone;
  }
  const layer = emptyLayer(width, height);
  drawMesh(layer, model, places, pyramid(texture), 1);
  const weights = Float32Array.from({ length: width * height }, (_, i) => layer.data[4 * i + 3] as number);
  return weights.some((w) => w > 0.2) ? { weights, frame } : undefined;
}

function frameOf(places: Float32Array, width: number, height: number): FaceFrame {
  let [x1, y1, x2, y2] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < places.length; i += 3) {
    x1 = Math.min(x1, places[i] as number);
    x2 = Math.max(x2, places[i] as number);
    y1 = Math.min(y1, places[i + 1] as number);
    y2 = Math.max(y2, places[i + 1] as number);
  }
  return {
    width,
    height,
    cx: (x1 + x2) / 2,
    cy: (y1 + y2) / 2,
    rx: Math.max(1, (x2 - x1) / 2),
    ry: Math.max(1, (y2 - y1) / 2),
  };
}

/** Turns the eyes in coarse steps. */
function lookTo(model: FaceModel, shape: Float32Array, { gaze }: FaceGuide): void {
  if (!gaze) return;
  for (const [eye, pupil] of [
    [36, model.points - 2],
    [42, model.points - 1],
  ] as const) {
    const across = (shape[3 * (eye + 3)] as number) - (shape[3 * eye] as number);
    const open =
      ((shape[3 * (eye + 4) + 1] as number) +
        (shape[3 * (eye + 5) + 1] as number) -
        (shape[3 * (eye + 1) + 1] as number) -
        (shape[3 * (eye + 2) + 1] as number)) /
      2;
    shape[3 * pupil] = (shape[3 * pupil] as number) + gaze.x * 0.2 * across;
    shape[3 * pupil + 1] = (shape[3 * pupil + 1] as number) + gaze.y * 0.2 * open;
  }
}

/** The person's texture with the model's opacity, enlarged for large faces. */
function textureLayer(model: FaceModel, ratios: Float32Array, scale: number): Layer {
  const layer = emptyLayer(model.width, model.height);
  for (let i = 0; i < model.alpha.length; i++) {
    const alpha = (model.alpha[i] as number) / 255;
    for (let c = 0; c < 3; c++) layer.data[4 * i + c] = (ratios[3 * i + c] as number) * alpha;
    layer.data[4 * i + 3] = alpha;
  }
  return scale > 1.2 ? doubleLayer(layer) : layer;
}

/** Draws the triangles that face the viewer, the farthest first. */
function drawMesh(layer: Layer, model: FaceModel, places: Float32Array, levels: readonly Layer[], zoom: number): void {
  const { triangles, uv } = model;
  const order = Array.from({ length: triangles.length / 3 }, (_, t) => {
    const depth = [0, 1, 2].reduce((sum, k) => sum + (places[3 * (triangles[3 * t + k] as number) + 2] as number), 0);
    return { t, depth };
  }).sort((a, b) => a.depth - b.depth || a.t - b.t);
  const to = new Float64Array(6);
  const from = new Float64Array(6);
  for (const { t } of order) {
    for (let k = 0; k < 3; k++) {
      const point = triangles[3 * t + k] as number;
      to[2 * k] = places[3 * point] as number;
      to[2 * k + 1] = places[3 * point + 1] as number;
      from[2 * k] = (uv[2 * point] as number) * zoom;
      from[2 * k + 1] = (uv[2 * point + 1] as number) * zoom;
    }
    drawTriangle(layer, levels, { to, from });
  }
}

/** Mean ratio to the skin's colour over a face: what its mean colour must be divided by. */
function meanRatio({ data }: Layer): number[] {
  const sums = [0, 0, 0, 0];
  for (let i = 0; i < data.length; i += 4)
    for (let c = 0; c < 4; c++) sums[c] = (sums[c] as number) + (data[i + c] as number);
  const total = Math.max(1e-6, sums[3] as number);
  return sums.slice(0, 3).map((s) => Math.max(0.5, s / total));
}

function compose(base: Float32Array, { data }: Layer): void {
  for (let i = 0, at = 0; at < data.length; i += 3, at += 4) {
    const behind = 1 - (data[at + 3] as number);
    for (let c = 0; c < 3; c++) base[i + c] = (base[i + c] as number) * behind + (data[at + c] as number);
  }
}

function toBytes(values: Float32Array): Uint8Array {
  const bytes = new Uint8ClampedArray(values.length);
  bytes.set(values);
  return new Uint8Array(bytes.buffer);
}
