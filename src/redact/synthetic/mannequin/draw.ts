import { intersect, snapOutward, unite } from '../../../core/geometry.ts';
import type { Box, RgbImage } from '../../../core/types.ts';
import type { Cone, Figure, Part, Slab } from './figure.ts';
import type { Light } from './light.ts';

/** Light from everywhere, and from the light's own direction, at full. */
const AMBIENT = 0.42;
const DIRECT = 0.72;

/** Samples along each side of a pixel of small figures; large ones have edges enough to be smooth. */
const samplesFor = (trunk: number): number => (trunk < 30 ? 3 : trunk < 100 ? 2 : 1);

/**
 * Draws a figure over `image`, which lies at `box` of the photograph, within `within` of the photograph. The parts
 * hide one another by depth.
 */
export function drawFigure(image: RgbImage, box: Box, limits: Box, figure: Figure, light: Light, seed: number): void {
  const solids = figure.parts.map(({ shape, ...part }) => ({
    ...part,
    solid: shape.kind === 'cone' ? coneSurface(shape) : slabSurface(shape),
  }));
  const reach = solids.map(({ solid }) => solid.reach).reduce(unite);
  const within = snapOutward(intersect(reach, limits), image.width + box.x1, image.height + box.y1);
  const samples = samplesFor(figure.trunk);
  const [width, height] = [(within.x2 - within.x1) * samples, (within.y2 - within.y1) * samples];
  if (width <= 0 || height <= 0) return;
  castShadow(image, box, limits, figure);
  const depth = new Float32Array(width * height).fill(-Infinity);
  const colour = new Uint8ClampedArray(width * height * 3);
  const cover = new Float32Array(width * height);
  const folds = foldsFrom(seed, figure.trunk * 0.16);
  for (const part of solids) drawPart(part, { within, samples, width, height, depth, colour, cover, light, folds });
  for (let y = within.y1; y < within.y2; y++) {
    for (let x = within.x1; x < within.x2; x++) {
      let r = 0;
      let g = 0;
      let b = 0;
      let covered = 0;
      for (let v = 0; v < samples; v++) {
        for (let u = 0; u < samples; u++) {
          const i = ((y - within.y1) * samples + v) * width + (x - within.x1) * samples + u;
          const w = cover[i] as number;
          r += w * (colour[3 * i] as number);
          g += w * (colour[3 * i + 1] as number);
          b += w * (colour[3 * i + 2] as number);
          covered += w;
        }
      }
      if (covered === 0) continue;
      const share = covered / samples ** 2;
      const at = ((y - box.y1) * image.width + x - box.x1) * 3;
      image.data[at] = (image.data[at] as number) * (1 - share) + (r / covered) * share + 0.5;
      image.data[at + 1] = (image.data[at + 1] as number) * (1 - share) + (g / covered) * share + 0.5;
      image.data[at + 2] = (image.data[at + 2] as number) * (1 - share) + (b / covered) * share + 0.5;
    }
  }
}

interface Canvas {
  readonly within: Box;
  readonly samples: number;
  readonly width: number;
  readonly height: number;
  readonly depth: Float32Array;
  readonly colour: Uint8ClampedArray;
  readonly cover: Float32Array;
  readonly light: Light;
  readonly folds: (x: number, y: number) => number;
}

type SolidPart = Omit<Part, 'shape'> & { readonly solid: Solid };

function drawPart({ solid, colour, folds }: SolidPart, canvas: Canvas): void {
  const { within, samples, width, height, depth, cover, light } = canvas;
  const { reach } = solid;
  const column = (x: number): number => Math.min(width, Math.max(0, Math.floor((x - within.x1) * samples)));
  const row = (y: number): number => Math.min(height, Math.max(0, Math.floor((y - within.y1) * samples)));
  const [right, bottom] = [column(reach.x2 + 1), row(reach.y2 + 1)];
  const grey = (colour[0] + colour[1] + colour[2]) / 3;
  const own = colour.map((value, c) => (grey + (value - grey) * light.saturation) * (light.colour[c] as number));
  const surface: Surface = { inside: 0, x: 0, y: 0, z: 0, depth: 0 };
  for (let j = row(reach.y1 - 1); j < bottom; j++) {
    const y = within.y1 + (j + 0.5) / samples;
    for (let i = column(reach.x1 - 1); i < right; i++) {
      const x = within.x1 + (i + 0.5) / samples;
      solid.at(x, y, surface);
      const covered = Math.min(1, surface.inside * samples + 0.5);
      if (covered <= 0) continue;
      const at = j * width + i;
      if (covered > (cover[at] as number)) cover[at] = covered;
      if (surface.depth <= (depth[at] as number)) continue;
      depth[at] = surface.depth;
      const fold = folds > 0 ? folds * canvas.folds(x, y) : 0;
      const facing = surface.x * light.x + surface.y * light.y + surface.z * light.z + 0.35 * fold;
      // Where a surface turns away from the viewer, less of the sky lights it.
      const shade = AMBIENT * (0.75 + 0.25 * surface.z) + DIRECT * Math.max(0, facing);
      for (let c = 0; c < 3; c++) canvas.colour[3 * at + c] = (own[c] as number) * shade;
    }
  }
}

/** What of a solid is seen at a place. */
interface Surface {
  /** How far the place lies within the outline, pixels; negative outside. */
  inside: number;
  /** Normal, length 1. */
  x: number;
  y: number;
  z: number;
  /** Towards the viewer, pixels. */
  depth: number;
}

interface Solid {
  readonly reach: Box;
  at(x: number, y: number, into: Surface): void;
}

function coneSurface({ a, b }: Cone): Solid {
  const most = Math.max(a.radius, b.radius);
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const squared = dx * dx + dy * dy || 1e-9;
  return {
    reach: {
      x1: Math.min(a.x, b.x) - most,
      y1: Math.min(a.y, b.y) - most,
      x2: Math.max(a.x, b.x) + most,
      y2: Math.max(a.y, b.y) + most,
    },
    at(x, y, into) {
      const t = Math.min(1, Math.max(0, ((x - a.x) * dx + (y - a.y) * dy) / squared));
      const radius = a.radius + (b.radius - a.radius) * t;
      const ox = x - a.x - t * dx;
      const oy = y - a.y - t * dy;
      const distance = Math.sqrt(ox * ox + oy * oy);
      const rise = Math.sqrt(Math.max(0, radius * radius - distance * distance));
      into.inside = radius - distance;
      into.x = ox / radius;
      into.y = oy / radius;
      into.z = rise / radius;
      into.depth = a.z + (b.z - a.z) * t + rise;
    },
  };
}

/** Where the waist lies between top and bottom. */
const WAIST = 0.6;

function slabSurface({ top, bottom, halfWidths: [upper, waist, lower], depth, cap }: Slab): Solid {
  const length = Math.hypot(bottom.x - top.x, bottom.y - top.y) || 1e-9;
  const down = { x: (bottom.x - top.x) / length, y: (bottom.y - top.y) / length };
  const most = Math.max(upper, waist, lower) + cap;
  const smooth = (t: number): number => t * t * (3 - 2 * t);
  return {
    reach: {
      x1: Math.min(top.x, bottom.x) - most,
      y1: Math.min(top.y, bottom.y) - most,
      x2: Math.max(top.x, bottom.x) + most,
      y2: Math.max(top.y, bottom.y) + most,
    },
    at(x, y, into) {
      const along = (x - top.x) * down.x + (y - top.y) * down.y;
      const across = (x - top.x) * -down.y + (y - top.y) * down.x;
      const t = Math.min(1, Math.max(0, along / length));
      const width =
        t < WAIST
          ? upper + (waist - upper) * smooth(t / WAIST)
          : waist + (lower - waist) * smooth((t - WAIST) / (1 - WAIST));
      const beyond = (along < 0 ? along : Math.max(0, along - length)) / cap;
      const side = across / width;
      // The end is rounded as a superellipse: shoulders are broad.
      const gauge = Math.sqrt(side * side + beyond * beyond * (1 + 0.5 * side * side));
      into.inside = (1 - gauge) * (Math.abs(beyond) > Math.abs(side) ? cap : width);
      const z = Math.sqrt(Math.max(0, 1 - gauge * gauge));
      const scale = gauge > 1 ? 1 / gauge : 1;
      into.x = (-down.y * side + down.x * beyond) * scale;
      into.y = (down.x * side + down.y * beyond) * scale;
      into.z = z;
      into.depth = depth * z;
    },
  };
}

/** Darkens the ground under the feet. */
function castShadow(image: RgbImage, box: Box, within: Box, { feet, trunk }: Figure): void {
  for (const foot of feet) {
    const [cx, cy] = [foot.x, foot.y + 0.16 * trunk];
    const [a, b] = [0.34 * trunk, 0.1 * trunk];
    for (let y = Math.max(within.y1, Math.floor(cy - b)); y < Math.min(within.y2, cy + b); y++) {
      for (let x = Math.max(within.x1, Math.floor(cx - a)); x < Math.min(within.x2, cx + a); x++) {
        const distance = ((x + 0.5 - cx) / a) ** 2 + ((y + 0.5 - cy) / b) ** 2;
        if (distance >= 1) continue;
        const left = 1 - 0.45 * (1 - distance) ** 1.5;
        const at = ((y - box.y1) * image.width + x - box.x1) * 3;
        for (let c = at; c < at + 3; c++) image.data[c] = (image.data[c] as number) * left;
      }
    }
  }
}

/** Smooth noise, -1…1, with features of `size` pixels (value noise, two octaves). */
function foldsFrom(seed: number, size: number): (x: number, y: number) => number {
  const lattice = (x: number, y: number): number => {
    let h = Math.imul(x, 0x27d4eb2d) ^ Math.imul(y, 0x165667b1) ^ seed;
    h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
    return ((h ^ (h >>> 13)) >>> 0) / 2147483648 - 1;
  };
  const ease = (t: number): number => t * t * (3 - 2 * t);
  const smooth = (x: number, y: number): number => {
    const i = Math.floor(x);
    const j = Math.floor(y);
    const u = ease(x - i);
    const v = ease(y - j);
    const top = lattice(i, j) * (1 - u) + lattice(i + 1, j) * u;
    return top * (1 - v) + (lattice(i, j + 1) * (1 - u) + lattice(i + 1, j + 1) * u) * v;
  };
  // Folds run rather along a body than across it.
  return (x, y) => 0.65 * smooth(x / size, (0.5 * y) / size) + 0.35 * smooth((2.3 * x) / size, (1.3 * y) / size);
}
