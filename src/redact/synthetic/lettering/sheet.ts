import { ENDS, type Segments } from './typeset.ts';

/** Colour, 0…255 per channel, not rounded. */
export type Colour = readonly [r: number, g: number, b: number];

/** What is drawn, in its own frame: RGBA, colour 0…255 multiplied by alpha 0…1, `rgba.length === width * height * 4`. */
export interface Sheet {
  readonly rgba: Float32Array;
  readonly width: number;
  readonly height: number;
}

export function blankSheet(width: number, height: number): Sheet {
  return { rgba: new Float32Array(width * height * 4), width, height };
}

/** A rectangle on a sheet, pixels. */
export interface Frame {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Fills a rectangle with round corners, antialiased. */
export function fillRect(sheet: Sheet, { x, y, width, height }: Frame, radius: number, colour: Colour): void {
  const cx = x + width / 2;
  const cy = y + height / 2;
  const round = Math.min(radius, width / 2, height / 2);
  eachPixel(sheet, x - 1, y - 1, x + width + 1, y + height + 1, colour, (px, py) => {
    const dx = Math.abs(px - cx) - width / 2 + round;
    const dy = Math.abs(py - cy) - height / 2 + round;
    const outside = Math.hypot(Math.max(dx, 0), Math.max(dy, 0)) + Math.min(Math.max(dx, dy), 0) - round;
    return 0.5 - outside;
  });
}

/** Draws along the inside of a rectangle with round corners. */
export function strokeRect(
  sheet: Sheet,
  { x, y, width, height }: Frame,
  radius: number,
  pen: number,
  colour: Colour,
): void {
  const cx = x + width / 2;
  const cy = y + height / 2;
  const round = Math.min(radius, width / 2, height / 2);
  eachPixel(sheet, x - 1, y - 1, x + width + 1, y + height + 1, colour, (px, py) => {
    const dx = Math.abs(px - cx) - width / 2 + round;
    const dy = Math.abs(py - cy) - height / 2 + round;
    const outside = Math.hypot(Math.max(dx, 0), Math.max(dy, 0)) + Math.min(Math.max(dx, dy), 0) - round;
    return pen / 2 + 0.5 - Math.abs(outside + pen / 2);
  });
}

/** Where lines are drawn on a sheet: position and scale, pixels. */
export interface Place {
  readonly x: number;
  readonly y: number;
  readonly scaleX: number;
  readonly scaleY: number;
}

export interface Pen {
  /** Pixels; a pen thinner than one leaves that much less ink. */
  readonly width: number;
  /** What loose ends and corners look like. */
  readonly ends: 'round' | 'square';
}

/** Draws lines antialiased, by the distance of each pixel from their middle. */
export function drawSegments(sheet: Sheet, segments: Segments, place: Place, pen: Pen, colour: Colour): void {
  const { width, height } = sheet;
  const ink = new Float32Array(width * height);
  const radius = Math.max(pen.width, 1) / 2;
  const strength = Math.min(1, pen.width);
  const reach = 1.5 * radius + 1;
  for (let i = 0; i < segments.length; i += 5) {
    const ax = place.x + (segments[i] as number) * place.scaleX;
    const ay = place.y + (segments[i + 1] as number) * place.scaleY;
    const bx = place.x + (segments[i + 2] as number) * place.scaleX;
    const by = place.y + (segments[i + 3] as number) * place.scaleY;
    const square = pen.ends === 'square' ? (segments[i + 4] as number) : 0;
    const length = Math.hypot(bx - ax, by - ay) || 1e-6;
    const sx = (bx - ax) / length;
    const sy = (by - ay) / length;
    const right = Math.min(width, Math.ceil(Math.max(ax, bx) + reach));
    const bottom = Math.min(height, Math.ceil(Math.max(ay, by) + reach));
    for (let y = Math.max(0, Math.floor(Math.min(ay, by) - reach)); y < bottom; y++) {
      const py = y + 0.5 - ay;
      for (let x = Math.max(0, Math.floor(Math.min(ax, bx) - reach)); x < right; x++) {
        const px = x + 0.5 - ax;
        const along = px * sx + py * sy;
        const aside = Math.abs(py * sx - px * sy);
        const beyond = along < 0 ? -along : along > length ? along - length : 0;
        const isSquare = square & (along < 0 ? ENDS.first : ENDS.second);
        const distance = isSquare ? Math.max(aside, beyond) : Math.sqrt(aside * aside + beyond * beyond);
        const coverage = radius + 0.5 - distance;
        const at = y * width + x;
        if (coverage > (ink[at] as number)) ink[at] = Math.min(1, coverage);
      }
    }
  }
  for (let i = 0; i < ink.length; i++) {
    const alpha = (ink[i] as number) * strength;
    if (alpha > 0) over(sheet.rgba, i * 4, colour, alpha);
  }
}

/** Changes the light by a share that grows linearly: by `across` from the left to the right edge, by `down` from top to bottom. */
export function shade({ rgba, width, height }: Sheet, across: number, down: number): void {
  for (let y = 0; y < height; y++) {
    const row = 1 + down * ((y + 0.5) / height - 0.5);
    for (let x = 0; x < width; x++) {
      const light = Math.max(0, row + across * ((x + 0.5) / width - 0.5));
      const at = (y * width + x) * 4;
      const most = (rgba[at + 3] as number) * 255;
      for (let c = at; c < at + 3; c++) rgba[c] = Math.min(most, (rgba[c] as number) * light);
    }
  }
}

function eachPixel(
  { rgba, width, height }: Sheet,
  x1: number,
  y1: number,
  x2: number,
  y2: number,
  colour: Colour,
  coverage: (x: number, y: number) => number,
): void {
  for (let y = Math.max(0, Math.floor(y1)); y < Math.min(height, y2); y++) {
    for (let x = Math.max(0, Math.floor(x1)); x < Math.min(width, x2); x++) {
      const alpha = Math.min(1, coverage(x + 0.5, y + 0.5));
      if (alpha > 0) over(rgba, (y * width + x) * 4, colour, alpha);
    }
  }
}

/** Porter and Duff's `over`, 1984. */
function over(rgba: Float32Array, at: number, [r, g, b]: Colour, alpha: number): void {
  const keep = 1 - alpha;
  rgba[at] = (rgba[at] as number) * keep + r * alpha;
  rgba[at + 1] = (rgba[at + 1] as number) * keep + g * alpha;
  rgba[at + 2] = (rgba[at + 2] as number) * keep + b * alpha;
  rgba[at + 3] = (rgba[at + 3] as number) * keep + alpha;
}
