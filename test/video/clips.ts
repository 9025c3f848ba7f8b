import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RgbImage } from '../../src/core/types.ts';
import { findFfmpeg } from '../../src/video/tools.ts';
import type { ClipInfo, ClipLimits, FfmpegTools } from '../../src/video/types.ts';

// Clips whose frames carry their number: eight cells in the upper half, black for 0 and white for 1, highest bit first.

/** Undefined on machines without ffmpeg: tests that need it are skipped there. */
export const ffmpeg: FfmpegTools | undefined = await findFfmpeg().catch(() => undefined);

/** Only in suites that are skipped without ffmpeg. */
export const tools = ffmpeg as FfmpegTools;

export const LIMITS: ClipLimits = { limitPixels: 1e7, limitFrames: 10_000, timeoutSeconds: 100 };

const BITS = 8;
export const LARGEST_NUMBER = 2 ** BITS - 1;

interface Timing {
  readonly timescale: number;
  readonly ticks: (n: number) => number;
  /** The same as an expression of ffmpeg. */
  readonly expression: string;
}

export const TIMINGS = {
  /** Constant: 29.97 frames a second. */
  cfr: { timescale: 30_000, ticks: (n) => n * 1001, expression: 'N*1001' },
  /** Variable, as of telephones: 40 to 76 ms a frame, in ticks of 1/90000 s, with a pause of a second in the middle. */
  vfr: {
    timescale: 90_000,
    ticks: (n) => n * 3600 + ((n * 7) % 5) * 810 + (n >= 12 ? 90_000 : 0),
    expression: 'N*3600+mod(N*7\\,5)*810+gte(N\\,12)*90000',
  },
  /** A frame a tick. */
  steady: { timescale: 25, ticks: (n) => n, expression: 'N' },
  /** Whole milliseconds, for containers that know no others. */
  milliseconds: { timescale: 1000, ticks: (n) => n * 40 + ((n * 7) % 5) * 9, expression: 'N*40+mod(N*7\\,5)*9' },
} satisfies Record<string, Timing>;

export interface ClipRecipe {
  readonly extension: string;
  readonly frames?: number;
  readonly width?: number;
  readonly height?: number;
  readonly timing?: keyof typeof TIMINGS;
  /** Options of the encoder of the picture. */
  readonly encoder?: readonly string[];
  /** Filters before it, such as `setsar=4/3`. */
  readonly filter?: string;
  /** Further inputs; stream maps of the output (`1:a`), and options of it. The picture comes first. */
  readonly inputs?: readonly string[];
  readonly maps?: readonly string[];
  readonly options?: readonly string[];
  /** Linear part of the display matrix: the picture is stored turned, and this turns it upright. mp4 and mov. */
  readonly matrix?: Orientation;
}

export type Orientation = readonly [a: number, b: number, c: number, d: number];

export interface MadeClip {
  readonly path: string;
  /** Ticks of every frame in units of 1/timescale. */
  readonly ticks: readonly number[];
  readonly timescale: number;
}

export const X264 = ['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '12', '-g', '10', '-pix_fmt', 'yuv420p'];

let counter = 0;

export function makeClip(folder: string, recipe: ClipRecipe): MadeClip {
  const { extension, filter, frames = 24, height = 96, inputs = [], maps = [], matrix, options = [] } = recipe;
  const { width = 160, encoder = X264, timing = 'cfr' } = recipe;
  const { expression, ticks, timescale } = TIMINGS[timing];
  const path = join(folder, `clip-${counter++}.${extension}`);
  const upright = Array.from({ length: frames }, (_, n) => numberedFrame(width, height, n));
  const stored = matrix === undefined ? upright : upright.map((frame) => storedTurned(frame, matrix));
  const [{ width: w, height: h }] = stored as [RgbImage, ...RgbImage[]];
  const retimed = `settb=1/${timescale},setpts=${expression}`;
  execFileSync(
    tools.ffmpeg,
    [
      ...['-v', 'error', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-video_size', `${w}x${h}`, '-i', 'pipe:0', ...inputs],
      ...['-map', '0:v', ...maps.flatMap((map) => ['-map', map])],
      ...['-filter:v:0', [retimed, 'scale=out_color_matrix=bt601:out_range=tv', filter].filter(Boolean).join(',')],
      ...[...encoder, ...tools.keepTimes, '-enc_time_base', `1/${timescale}`],
      ...(extension === 'mp4' || extension === 'mov' ? ['-video_track_timescale', `${timescale}`] : []),
      ...[...options, '-y', path],
    ],
    { input: Buffer.concat(stored.map(({ data }) => data)), stdio: ['pipe', 'pipe', 'inherit'] },
  );
  if (matrix !== undefined) writeMatrix(path, matrix);
  return { path, ticks: Array.from({ length: frames }, (_, n) => ticks(n)), timescale };
}

/** A scene of flat colours with the number in it. */
export function numberedFrame(width: number, height: number, number: number): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const cell = cellAt(x / width, y / height);
      const grey = cell === undefined ? undefined : ((number >> (BITS - 1 - cell)) & 1) * 255;
      const scene = y * 3 > height * 2 ? [200, 60, 40] : x * 2 < width ? [40, 90, 160] : [90, 140, 60];
      data.set(grey === undefined ? scene : [grey, grey, grey], (y * width + x) * 3);
    }
  }
  return { data, width, height };
}

function cellAt(x: number, y: number): number | undefined {
  const cell = Math.floor(x * (BITS + 2)) - 1;
  return cell >= 0 && cell < BITS && y >= 0.15 && y < 0.5 ? cell : undefined;
}

/** The number of a frame; NaN where a cell is neither black nor white. */
export function readNumber({ data, height, width }: RgbImage): number {
  let number = 0;
  for (let cell = 0; cell < BITS; cell++) {
    const x = Math.round(((cell + 1.5) / (BITS + 2)) * width);
    const y = Math.round(0.325 * height);
    const grey = data[(y * width + x) * 3] ?? Number.NaN;
    number = number * 2 + (grey < 80 ? 0 : grey > 175 ? 1 : Number.NaN);
  }
  return number;
}

/** Mean of each channel over the lower third, which is one colour. */
export function meanColour({ data, height, width }: RgbImage): [number, number, number] {
  const sums: [number, number, number] = [0, 0, 0];
  const from = Math.ceil(height * 0.75);
  for (let i = from * width * 3; i < width * height * 3; i += 3) {
    for (const channel of [0, 1, 2] as const) sums[channel] += data[i + channel] ?? 0;
  }
  const pixels = (height - from) * width;
  return sums.map((sum) => sum / pixels) as [number, number, number];
}

/** What has to be stored for `matrix` to turn it into `upright`: (x', y') = (ax + cy, bx + dy), moved into the picture. */
function storedTurned(upright: RgbImage, [a, b, c, d]: Orientation): RgbImage {
  const turned = a === 0;
  const width = turned ? upright.height : upright.width;
  const height = turned ? upright.width : upright.height;
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const toX = a * x + c * y + (a + c < 0 ? upright.width - 1 : 0);
      const toY = b * x + d * y + (b + d < 0 ? upright.height - 1 : 0);
      const from = (toY * upright.width + toX) * 3;
      data.set(upright.data.subarray(from, from + 3), (y * width + x) * 3);
    }
  }
  return { data, width, height };
}

/** Track header box (ISO/IEC 14496-12, 8.3.2) of version 0: the matrix stands 40 bytes after the box type. */
function writeMatrix(path: string, [a, b, c, d]: Orientation): void {
  const file = readFileSync(path);
  const at = file.indexOf('tkhd') + 44;
  [a, b, 0, c, d, 0].forEach((value, i) => {
    file.writeInt32BE(value * 65536, at + i * 4);
  });
  writeFileSync(path, file);
}

export function scratchFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'anonymize-clips-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Times in units of 1/timescale counted from the first frame. */
export function ticksOf({ pts, timeBase }: ClipInfo, timescale: number): number[] {
  return pts.map((at) => ((at - (pts[0] ?? 0)) * timeBase.num * timescale) / timeBase.den);
}
