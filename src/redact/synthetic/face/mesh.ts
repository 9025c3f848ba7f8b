import { emptyLayer, type Layer } from './layer.ts';
import type { FaceModel } from './model.ts';
import { doubleLayer, drawTriangle } from './raster.ts';

/** A part of the image, whole pixels. */
export interface Window {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** What of `within` the points of a face span, with a margin; empty when they lie outside. */
export function windowAround(places: Float32Array, margin: number, within: Window): Window {
  let [x1, y1, x2, y2] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < places.length; i += 3) {
    x1 = Math.min(x1, places[i] as number);
    x2 = Math.max(x2, places[i] as number);
    y1 = Math.min(y1, places[i + 1] as number);
    y2 = Math.max(y2, places[i + 1] as number);
  }
  const x = Math.max(within.x, Math.floor(x1 - margin));
  const y = Math.max(within.y, Math.floor(y1 - margin));
  return {
    x,
    y,
    width: Math.max(0, Math.min(within.x + within.width, Math.ceil(x2 + margin)) - x),
    height: Math.max(0, Math.min(within.y + within.height, Math.ceil(y2 + margin)) - y),
  };
}

/** Moves and then scales places of the image, [points, 3], in place. */
export function placedIn(places: Float32Array, { x, y }: Pick<Window, 'x' | 'y'>, scale = 1): Float32Array {
  for (let i = 0; i < places.length; i += 3) {
    places[i] = ((places[i] as number) - x) * scale;
    places[i + 1] = ((places[i + 1] as number) - y) * scale;
    places[i + 2] = (places[i + 2] as number) * scale;
  }
  return places;
}

/** A texture of the frame, [height, width, 3], with the model's opacity; enlarged for faces larger than the frame. */
export function textureLayer(model: FaceModel, ratios: Float32Array, scale: number): Layer {
  const layer = emptyLayer(model.width, model.height);
  for (let i = 0; i < model.alpha.length; i++) {
    const alpha = (model.alpha[i] as number) / 255;
    for (let c = 0; c < 3; c++) layer.data[4 * i + c] = (ratios[3 * i + c] as number) * alpha;
    layer.data[4 * i + 3] = alpha;
  }
  return scale > 1.2 ? doubleLayer(layer) : layer;
}

/**
 * Draws the triangles that face the viewer, the farthest first.
 * @param places [points, 3], pixels of the layer, z towards the viewer.
 * @param levels the texture and its halves.
 */
export function drawMesh(layer: Layer, model: FaceModel, places: Float32Array, levels: readonly Layer[]): void {
  const { triangles, uv } = model;
  const zoom = (levels[0] as Layer).width / model.width;
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
