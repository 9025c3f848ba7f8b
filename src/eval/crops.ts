import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import type { Box, Point, RgbImage } from '../core/types.ts';
import { decodeImage } from '../image/decode.ts';
import { circumscribe } from '../redact/mask.ts';
import type { Picture } from './class-tally.ts';
import type { Drawn } from './examples.ts';

/** Longest side of a crop on the page, in pixels. */
const SIDE = 360;
/** Surroundings that are shown on each side: share of the example's longer side, and at least so many pixels. */
const MARGIN = 0.6;
const LEAST_MARGIN = 12;

/**
 * What is around each example, as inline SVG: the photograph as it is, the labels in one colour and the redaction in
 * another. Empty where the photograph cannot be opened any more.
 */
export async function drawPictures(pictures: readonly Picture[]): Promise<Map<Picture, string>> {
  const drawn = new Map<Picture, string>();
  const byFile = new Map<string, Picture[]>();
  for (const picture of pictures) {
    const { file } = picture.drawn;
    byFile.set(file, [...(byFile.get(file) ?? []), picture]);
  }
  for (const [file, own] of byFile) {
    // It was measured a moment ago, so only a file that has changed since can fail here.
    const rgb = await open(file).catch(() => undefined);
    for (const picture of own) drawn.set(picture, rgb ? await draw(picture, rgb) : '');
  }
  return drawn;
}

async function open(file: string): Promise<RgbImage> {
  const limits = { limitPixels: Number.MAX_SAFE_INTEGER, timeoutSeconds: 120 };
  return (await decodeImage(await readFile(file), limits)).rgb;
}

async function draw({ example, drawn }: Picture, rgb: RgbImage): Promise<string> {
  const view = viewOf(example.box, rgb.width, rgb.height);
  const [width, height] = [view.x2 - view.x1, view.y2 - view.y1];
  const jpeg = await sharp(rgb.data, { raw: { width: rgb.width, height: rgb.height, channels: 3 } })
    .extract({ left: view.x1, top: view.y1, width, height })
    .resize({ width: SIDE, height: SIDE, fit: 'inside' })
    .jpeg({ quality: 80 })
    .toBuffer();
  const shapes = [
    ...drawn.regions.map((region) => outlined(regionShape(region), 'redaction')),
    ...drawn.outlines.map((outline) => outlined(`<polygon points="${pointList(outline)}"`, 'label')),
  ];
  const image = `<image x="${view.x1}" y="${view.y1}" width="${width}" height="${height}" preserveAspectRatio="none" href="data:image/jpeg;base64,${jpeg.toString('base64')}"/>`;
  return `<svg viewBox="${view.x1} ${view.y1} ${width} ${height}" role="img" xmlns="http://www.w3.org/2000/svg">${image}${shapes.join('')}</svg>`;
}

/** Whole pixels around a box, inside the image; at least one. */
function viewOf([x1, y1, x2, y2]: Picture['example']['box'], width: number, height: number): Box {
  const margin = Math.max(LEAST_MARGIN, MARGIN * Math.max(x2 - x1, y2 - y1));
  const left = Math.min(width - 1, Math.max(0, Math.floor(x1 - margin)));
  const top = Math.min(height - 1, Math.max(0, Math.floor(y1 - margin)));
  return {
    x1: left,
    y1: top,
    x2: Math.max(left + 1, Math.min(width, Math.ceil(x2 + margin))),
    y2: Math.max(top + 1, Math.min(height, Math.ceil(y2 + margin))),
  };
}

/** A dark line below the coloured one, so that it shows on any photograph. */
function outlined(element: string, name: 'label' | 'redaction'): string {
  return `${element} class="halo"/>${element} class="${name}"/>`;
}

function regionShape({ shape, core, polygon }: Drawn['regions'][number]): string {
  if (shape === 'polygon' && polygon) return `<polygon points="${pointList(polygon)}"`;
  if (shape === 'ellipse') {
    const { cx, cy, a, b } = circumscribe(core);
    return `<ellipse cx="${round(cx)}" cy="${round(cy)}" rx="${round(a)}" ry="${round(b)}"`;
  }
  return `<rect x="${round(core.x1)}" y="${round(core.y1)}" width="${round(core.x2 - core.x1)}" height="${round(core.y2 - core.y1)}"`;
}

function pointList(points: readonly Point[]): string {
  return points.map(({ x, y }) => `${round(x)},${round(y)}`).join(' ');
}

function round(value: number): string {
  return String(Math.round(value * 10) / 10);
}
