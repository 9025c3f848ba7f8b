import { inpaint } from '../inpaint.ts';
import { patchBox, type Replacer } from '../patch.ts';
import { photograph, sheetScale } from './lettering/photograph.ts';
import { type Quad, quadSize } from './lettering/projection.ts';
import { uprightRect } from './line-frame.ts';
import { drawPlate } from './plate-drawing.ts';
import { plateLook } from './plate-look.ts';
import { plateOutline } from './plate-outline.ts';
import { readablePart } from './readable.ts';
import { surroundingsOf } from './surroundings.ts';
import { pureInk } from './two-colours.ts';

/** How much of a photograph's blur a drawn edge has of its own, pixels. */
const OWN_BLUR = 0.4;
/** Usual width of the strokes of a plate's characters, in heights of the plate. */
const PEN = 0.09;

/**
 * A plate of the same outline, colours, number of lines and light with a registration that cannot exist; around it
 * the fill of `inpaint`.
 */
export const syntheticPlate: Replacer = (scene, region, random) => {
  const patch = inpaint(scene, region, random);
  if (!patch) return undefined;
  const part = readablePart(scene, region);
  const rect = uprightRect(region);
  const inPart = plateOutline(part.image, { ...rect, cx: rect.cx - part.x, cy: rect.cy - part.y });
  const outline = inPart.map(({ x, y }) => ({ x: x + part.x, y: y + part.y })) as unknown as Quad;
  const { width, height } = quadSize(outline);
  const scale = sheetScale(outline);
  const look = plateLook(part.image, inPart);
  const ink = pureInk(look.ink, look.ground, PEN * height);
  const form = { ...look, ink, width: width * scale, height: height * scale };
  const { blur, noise } = surroundingsOf(scene, region.box);
  const finish = { blur: Math.sqrt(Math.max(0, Math.min(blur, height / 10) ** 2 - OWN_BLUR ** 2)), noise };
  const overlay = photograph(drawPlate(form, random), outline, patchBox(region, scene.image), finish, random);
  return { ...patch, overlay };
};
