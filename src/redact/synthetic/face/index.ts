import type { RgbImage } from '../../../core/types.ts';
import { blurPainter } from '../../blur.ts';
import { patchBox, type Replacer, type Scene } from '../../patch.ts';
import { cellSize } from '../../strength.ts';
import { applyExpression, lookTo } from './expression.ts';
import { addNoise, measureGrain } from './grain.ts';
import { growSurroundings } from './ground.ts';
import { faceToDraw } from './guided.ts';
import { blurLayer, emptyLayer, type Layer, toBytes } from './layer.ts';
import { estimateLight, shine } from './light.ts';
import { drawMesh, placedIn, textureLayer, type Window, windowAround } from './mesh.ts';
import type { FaceModel } from './model.ts';
import { drawMouth } from './mouth.ts';
import { coarseComplexion, complexionOf, inventPerson } from './person.ts';
import { posedShape } from './pose.ts';
import { pyramid } from './raster.ts';
import { type Seen, sharpenOutlines } from './shock.ts';

export { followFace } from './guided.ts';
export { type FaceModel, parseFaceModel } from './model.ts';

/** A face of the frame's size is about this soft, pixels. */
const TEXTURE_BLUR = 0.5;
/** Least blur of what is drawn, so that its outline has no steps, pixels. */
const LEAST_BLUR = 0.4;

/**
 * Draws the face of nobody where a face was, in its pose and with its expression.
 *
 * What shows of the source is what `blur` leaves, from which light and complexion are taken, too, and what the guide
 * says in coarse steps. Around the drawn face, the blurred region gets outlines again, and leads over to what lies
 * around it.
 */
export function faceReplacer(model: FaceModel): Replacer {
  return (scene, region, random) => {
    const drawn = faceToDraw(region.guide, model);
    if (!drawn) return undefined;
    const { pose, expression, gaze } = drawn;
    const { image } = scene;
    const cell = cellSize(region, 'synthetic');
    const window = withSurroundings(patchBox(region, image), cell, image);
    const meanFace = posedShape(model.mean, pose);
    const around = windowAround(meanFace, 0, window);
    if (around.width < 2 || around.height < 2) return undefined;

    const base = paint(blurPainter(image, region, 'synthetic'), window);
    sharpenOutlines(base, seenFrom(scene, window), window.width, window.height, cell);
    const light = estimateLight(model, meanFace, base, window, around);
    growSurroundings(scene, region, base, window);

    const { complexion = coarseComplexion(complexionOf(light.colour)) } = drawn;
    const person = inventPerson(model, light.colour, random, region.track === undefined ? undefined : complexion);
    applyExpression(model, person.shape, expression);
    if (gaze) lookTo(model, person.shape, gaze);
    const places = posedShape(person.shape, pose);
    const grain = drawn.grain ?? measureGrain(scene, region.box);
    const softness = Math.max(
      LEAST_BLUR,
      Math.sqrt(Math.max(0, grain.blur ** 2 - (TEXTURE_BLUR * Math.max(1, pose.scale)) ** 2)),
    );
    const face = windowAround(places, Math.ceil(3 * softness), window);
    const layer = emptyLayer(face.width, face.height);
    placedIn(places, face);
    drawMesh(layer, model, places, pyramid(textureLayer(model, person.texture, pose.scale)));
    drawMouth(layer, places, pose.scale, light.colour, random);
    shine(layer, light, face);
    blurLayer(layer, softness);
    compose(base, window, layer, face);
    addNoise(base, window.width, grain.noise, random);
    return { image: { data: toBytes(base), width: window.width, height: window.height }, x: window.x, y: window.y };
  };
}

/** One more cell on each side: what is seen there leads on into the region. */
function withSurroundings(box: ReturnType<typeof patchBox>, cell: number, { width, height }: RgbImage): Window {
  const reach = Math.ceil(cell);
  const [x, y] = [Math.max(0, box.x1 - reach), Math.max(0, box.y1 - reach)];
  return { x, y, width: Math.min(width, box.x2 + reach) - x, height: Math.min(height, box.y2 + reach) - y };
}

/** RGB floats, [height, width, 3]. */
function paint(painter: ReturnType<typeof blurPainter>, { x, y, width, height }: Window): Float32Array {
  const line = new Uint8Array(width * 3);
  const base = new Float32Array(width * height * 3);
  for (let row = 0; row < height; row++) {
    painter(y + row, x, x + width, line, 0);
    base.set(line, row * width * 3);
  }
  return base;
}

/** The mean of a few pixels where nothing is covered. */
function seenFrom({ image, covered }: Scene, window: Window): Seen {
  return (x, y, into) => {
    let n = 0;
    into.fill(0);
    for (let dy = -1; dy <= 1; dy++) {
      for (let dx = -1; dx <= 1; dx++) {
        const px = window.x + Math.floor(x) + dx;
        const py = window.y + Math.floor(y) + dy;
        if (px < 0 || py < 0 || px >= image.width || py >= image.height) continue;
        const at = py * image.width + px;
        if (covered[at]) continue;
        n++;
        for (let c = 0; c < 3; c++) into[c] = (into[c] as number) + (image.data[3 * at + c] as number);
      }
    }
    for (let c = 0; c < 3; c++) into[c] = (into[c] as number) / Math.max(1, n);
    return n > 0;
  };
}

function compose(base: Float32Array, window: Window, { data, width, height }: Layer, { x, y }: Window): void {
  for (let row = 0; row < height; row++) {
    let to = ((y - window.y + row) * window.width + x - window.x) * 3;
    for (let at = row * width * 4; at < (row + 1) * width * 4; at += 4, to += 3) {
      const opacity = data[at + 3] as number;
      if (opacity === 0) continue;
      for (let c = 0; c < 3; c++) base[to + c] = (base[to + c] as number) * (1 - opacity) + (data[at + c] as number);
    }
  }
}
