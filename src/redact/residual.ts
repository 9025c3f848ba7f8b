import type { Region, RgbImage } from '../core/types.ts';
import { SampleError } from '../errors.ts';
import type { RowSpans } from './mask.ts';
import type { Fill } from './solid.ts';
import { cellSize, STEEPEST } from './strength.ts';

/** Lines that are looked at along each axis: a weak redaction shows in all of them. */
const LINES = 96;

/**
 * Measures what is left inside a region that has just been redacted, before anything else is painted over it:
 * strength is not assumed.
 *
 * `blur` and `gaussian`: no channel changes faster along rows or columns than a full step through the stated cells
 * or sigma would. `pixelate`: no more changes of colour than cells. `solid`: the fill and nothing else.
 *
 * @throws SampleError (`redact`, `residual`) when more is left than the mode may leave.
 */
export function checkResidual(image: RgbImage, region: Region, spans: RowSpans, fill: Fill): void {
  switch (region.mode) {
    case 'blur':
    case 'gaussian':
      checkSlope(image, region, spans);
      break;
    case 'pixelate':
      checkCells(image, region, spans);
      break;
    case 'solid':
      checkFill(image, spans, fill);
      break;
    default:
      // Replacements are sharp by intention; that nothing of the source is in them is their construction.
      break;
  }
}

function checkSlope(image: RgbImage, region: Region, spans: RowSpans): void {
  const mode = region.mode === 'gaussian' ? 'gaussian' : 'blur';
  const cell = cellSize(region, mode);
  // Over several pixels, because steps of 8-bit values would dominate neighbouring ones.
  const lag = Math.max(1, Math.floor(cell / 8));
  const most = (side: number): number => (lag * 255 * STEEPEST[mode]) / Math.min(cell, side) + 1;
  const [across, down] = steepest(image, spans, lag);
  if (across <= most(image.width) && down <= most(image.height)) return;
  throw tooMuch(region, `changes of at most ${most(Infinity).toFixed(1)} in ${lag} px`, Math.max(across, down));
}

/** Largest change of a channel over `lag` pixels along the rows and along the columns, both ends inside. */
function steepest({ data, width }: RgbImage, spans: RowSpans, lag: number): [across: number, down: number] {
  const rows = spans.start.length;
  let across = 0;
  let down = 0;
  const step = Math.ceil(rows / LINES);
  for (let i = 0; i < rows; i += step) {
    const row = (spans.y1 + i) * width;
    const end = (row + (spans.end[i] as number) - lag) * 3;
    for (let p = (row + (spans.start[i] as number)) * 3; p < end; p++) {
      across = Math.max(across, Math.abs((data[p] as number) - (data[p + lag * 3] as number)));
    }
  }
  for (let i = 0; i + lag < rows; i++) {
    const from = Math.max(spans.start[i] as number, spans.start[i + lag] as number);
    const to = Math.min(spans.end[i] as number, spans.end[i + lag] as number);
    const stride = Math.max(1, Math.ceil((to - from) / LINES));
    for (let x = from; x < to; x += stride) {
      const p = ((spans.y1 + i) * width + x) * 3;
      for (let c = p; c < p + 3; c++) {
        down = Math.max(down, Math.abs((data[c] as number) - (data[c + lag * width * 3] as number)));
      }
    }
  }
  return [across, down];
}

function checkCells({ data, width }: RgbImage, region: Region, spans: RowSpans): void {
  const rows = spans.start.length;
  const cell = cellSize(region, 'pixelate');
  for (let i = 0; i < rows; i += Math.ceil(rows / LINES)) {
    const row = (spans.y1 + i) * width;
    const [from, to] = [spans.start[i] as number, spans.end[i] as number];
    let changes = 0;
    for (let p = (row + from) * 3 + 3; p < (row + to) * 3; p += 3) {
      if (data[p] !== data[p - 3] || data[p + 1] !== data[p - 2] || data[p + 2] !== data[p - 1]) changes++;
    }
    const most = Math.ceil((to - from) / cell);
    if (changes > most) throw tooMuch(region, `at most ${most} changes of colour in a row`, changes);
  }
}

function checkFill({ data, width }: RgbImage, spans: RowSpans, { r, g, b }: Fill): void {
  for (let i = 0; i < spans.start.length; i++) {
    const row = (spans.y1 + i) * width;
    for (let p = (row + (spans.start[i] as number)) * 3; p < (row + (spans.end[i] as number)) * 3; p += 3) {
      if (data[p] !== r || data[p + 1] !== g || data[p + 2] !== b) {
        throw new SampleError(
          'redact',
          'residual',
          'Expected nothing but the fill in a solid region but received more',
        );
      }
    }
  }
}

function tooMuch({ class: cls, mode }: Region, expected: string, received: number): SampleError {
  return new SampleError('redact', 'residual', `Expected ${expected} in a ${mode} ${cls} but received ${received}`);
}
