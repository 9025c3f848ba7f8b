import type { OrientedRect } from '../../core/geometry.ts';
import { inpaint } from '../inpaint.ts';
import { patchBox, type Replacer } from '../patch.ts';
import type { Random } from '../random.ts';
import { cellSize } from '../strength.ts';
import { photograph, sheetScale } from './lettering/photograph.ts';
import type { Quad } from './lettering/projection.ts';
import type { Colour } from './lettering/sheet.ts';
import { uprightRect } from './line-frame.ts';
import { readablePart } from './readable.ts';
import { surroundingsOf } from './surroundings.ts';
import { drawText } from './text-drawing.ts';
import { onGround } from './text-ground.ts';
import { pointIn, textLook, WEIGHTS } from './text-look.ts';
import { pureInk } from './two-colours.ts';

const OWN_BLUR = 0.4;
/** From this height over width on, a region is read downwards; up to the second, its characters stand upright. */
const VERTICAL = 1.5;
const STACKED = 3.5;

/** Random characters of the same height, colour, weight and direction on the fill of `inpaint`. */
export const syntheticText: Replacer = (scene, region, random) => {
  const patch = inpaint(scene, region, random);
  if (!patch) return undefined;
  const upright = uprightRect(region);
  const isVertical = upright.height > VERTICAL * upright.width;
  const isStacked = isVertical && upright.height < STACKED * upright.width;
  const rect = isVertical ? turned(upright, random) : upright;
  const part = readablePart(scene, region);
  const inPart = { ...rect, cx: rect.cx - part.x, cy: rect.cy - part.y };
  const look = textLook(part.image, inPart, cellSize(region, 'blur'));
  const [u1, u2] = look.along;
  const [v1, v2] = look.across;
  const corners: Quad = [pointIn(rect, u1, v1), pointIn(rect, u2, v1), pointIn(rect, u2, v2), pointIn(rect, u1, v2)];
  const quad = isStacked ? uprightCorners(corners, upright) : corners;
  const scale = sheetScale(quad);
  const length = (u2 - u1) * rect.width * scale;
  const height = (v2 - v1) * rect.height * scale;
  const form = {
    ink: pureInk(look.ink, meanColour(look.grounds), WEIGHTS[look.weight] * (v2 - v1) * rect.height),
    weight: look.weight,
    capitals: look.capitals,
    width: isStacked ? height : length,
    height: isStacked ? length : height,
    stacked: isStacked,
  };
  const { blur, noise } = surroundingsOf(scene, region.box);
  const finish = { blur: Math.sqrt(Math.max(0, Math.min(blur, height / scale / 12) ** 2 - OWN_BLUR ** 2)), noise };
  const overlay = photograph(drawText(form, random), quad, patchBox(region, scene.image), finish, random);
  return { ...onGround(scene, region, patch, rect, look.grounds, noise, random), overlay };
};

/** The same rectangle, its width running downwards or upwards. */
function turned({ cx, cy, width, height, angle }: OrientedRect, random: Random): OrientedRect {
  const quarter = random.next() < 0.5 ? Math.PI / 2 : -Math.PI / 2;
  return { cx, cy, width: height, height: width, angle: angle + quarter };
}

/** The corners in the order in which an upright sheet has them. */
function uprightCorners([a, b, c, d]: Quad, { angle }: OrientedRect): Quad {
  const isTopLeftOf = (p: { x: number; y: number }): number =>
    p.x * (Math.cos(angle) - Math.sin(angle)) + p.y * (Math.sin(angle) + Math.cos(angle));
  const around = [a, b, c, d];
  const first = around.reduce((best, p, i) => (isTopLeftOf(p) < isTopLeftOf(around[best] as typeof p) ? i : best), 0);
  return [0, 1, 2, 3].map((i) => around[(first + i) % 4]) as unknown as Quad;
}

function meanColour(colours: readonly Colour[]): Colour {
  const mean = (c: 0 | 1 | 2): number => colours.reduce((sum, colour) => sum + colour[c], 0) / colours.length;
  return [mean(0), mean(1), mean(2)];
}
