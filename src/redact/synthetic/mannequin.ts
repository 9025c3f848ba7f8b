import { intersect } from '../../core/geometry.ts';
import type { Box } from '../../core/types.ts';
import { inpaint } from '../inpaint.ts';
import { patchBox, type Replacer, type Scene } from '../patch.ts';
import { drawFigure } from './mannequin/draw.ts';
import { type Figure, figureOf } from './mannequin/figure.ts';
import { type Light, lightOf } from './mannequin/light.ts';
import { skeletonOf } from './mannequin/skeleton.ts';

/**
 * A shaded mannequin in the pose of the body, before its continued surroundings: of the person, only the joints remain;
 * build, colours and dress are drawn by lot. Nothing without a pose.
 */
export const mannequin: Replacer = (scene, region, random) => {
  if (region.guide?.kind !== 'pose') return undefined;
  const background = inpaint(scene, region, random);
  if (!background) return undefined;
  const box = patchBox(region, scene.image);
  const { image } = background;
  const light = lightOf(image);
  const placed = {
    figure: figureOf(skeletonOf(region.guide, region.core, random), random),
    light,
    box,
    seed: random.int(1, 0x7fffffff),
  };
  for (const other of withEarlier(scene, placed)) {
    drawFigure(image, box, intersect(box, other.box), other.figure, other.light, other.seed);
  }
  return background;
};

interface Placed {
  readonly figure: Figure;
  readonly light: Light;
  /** Of its region, with the soft edge. */
  readonly box: Box;
  readonly seed: number;
}

/** The figures of each photograph, the smallest first: it is the farthest. */
const placedIn = new WeakMap<Scene, Placed[]>();

/** A region's patch hides the patches below it: it repeats the figures that stand there. */
function withEarlier(scene: Scene, placed: Placed): readonly Placed[] {
  const all = placedIn.get(scene) ?? [];
  all.push(placed);
  all.sort((a, b) => a.figure.trunk - b.figure.trunk);
  placedIn.set(scene, all);
  return all;
}
