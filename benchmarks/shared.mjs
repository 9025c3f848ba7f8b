// What several benchmarks do in the same way.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { processSample } from '../dist/worker/process.js';

/** `class=id,class=file` as the option `model` of a configuration. */
export const modelsOf = (text) =>
  Object.fromEntries(
    text
      .split(',')
      .filter(Boolean)
      .map((pair) => pair.split('=')),
  );

/** At most `limit` of the items, spread evenly over all of them. */
export function spread(items, limit) {
  const count = Math.min(limit, items.length);
  return Array.from({ length: count }, (_, i) => items[Math.floor((i * items.length) / count)]);
}

/**
 * Sends every photograph through the whole pipeline (decode to verified bytes) of every side in turn, so that a slow
 * spell of the machine hits all of them. Adds mean milliseconds per photograph to `whole` and `detect` of each side.
 * The first `warmUp` photographs are sent once before, uncounted: they also pay for the networks' memory.
 */
export async function inTurn(files, sides, warmUp) {
  for (const [i, file] of [...files.slice(0, warmUp), ...files].entries()) {
    const bytes = await readFile(file);
    // Who goes first changes, since it finds colder caches.
    for (const side of i % 2 === 0 ? sides : [...sides].reverse()) {
      const start = performance.now();
      const outcome = await processSample(bytes, side.job, side.networks);
      if (outcome.status !== 'verified') throw new Error(`Expected a readable photograph but ${file} is not`);
      if (i < warmUp) continue;
      side.whole += (performance.now() - start) / files.length;
      side.detect += outcome.timings.detect / files.length;
    }
  }
}

/** Seconds on processors of this process and of the programs that it has waited for (proc(5), in hundredths). */
export function processorTime() {
  const fields = readFileSync('/proc/self/stat', 'latin1')
    .replace(/^.*\) /, '')
    .split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / 100;
}

/** Runs `work` and adds what it took to `sums`: seconds by the clock and on processors. */
export async function timed(sums, name, work) {
  const [clock, processor] = [performance.now(), processorTime()];
  const result = await work();
  sums[name] ??= { clock: 0, processor: 0 };
  sums[name].clock += (performance.now() - clock) / 1000;
  sums[name].processor += processorTime() - processor;
  return result;
}

const PHOTOGRAPHS = join(dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json')), 'demo');

/** Heads in the photographs that face-api's package ships: file, left, top, width and height in pixels. */
const HEADS = [
  ['sample1.jpg', 330, 260, 370, 430],
  ['sample4.jpg', 580, 20, 360, 400],
  ['sample5.jpg', 690, 20, 340, 410],
];

/**
 * A clip with heads of photographs that move over another photograph, which the camera pans over.
 * @param ffmpeg path of the program. @param size pixels. @param seconds at 30 frames each.
 */
export async function clipOfFaces(ffmpeg, path, { width, height }, seconds) {
  const folder = dirname(path);
  const ground = join(folder, 'ground.png');
  await sharp(await readFile(join(PHOTOGRAPHS, 'sample6.jpg')))
    .resize(Math.round(width * 1.5), height, { fit: 'cover' })
    .toFile(ground);
  const inputs = ['-loop', '1', '-framerate', '30', '-i', ground];
  const filters = [`[0]crop=${width}:${height}:x='(iw-ow)*(0.5+0.5*sin(t/3))':y=0[v0]`];
  for (const [i, [file, left, top, w, h]] of HEADS.entries()) {
    const head = join(folder, `head-${i}.png`);
    const tall = Math.round(height * (0.22 + 0.06 * i));
    const photograph = sharp(await readFile(join(PHOTOGRAPHS, file)));
    const image = photograph.extract({ left, top, width: w, height: h }).resize({ height: tall });
    const { data, info } = await image.ensureAlpha().raw().toBuffer({ resolveWithObject: true });
    const [a, b] = [info.width / 2, info.height / 2];
    for (let at = 0; at < info.width * info.height; at++) {
      const [column, row] = [at % info.width, Math.floor(at / info.width)];
      if (((column - a) / a) ** 2 + ((row - b) / b) ** 2 > 1) data[at * 4 + 3] = 0;
    }
    await sharp(data, { raw: { width: info.width, height: info.height, channels: 4 } })
      .png()
      .toFile(head);
    inputs.push('-loop', '1', '-framerate', '30', '-i', head);
    const x = `(W-w)*(0.5+0.55*sin(t*${(0.31 + 0.13 * i).toFixed(2)}+${i}))`;
    const y = `(H-h)*(0.5+0.4*sin(t*${(0.47 + 0.07 * i).toFixed(2)}))`;
    filters.push(`[v${i}][${i + 1}]overlay=x='${x}':y='${y}'[v${i + 1}]`);
  }
  execFileSync(ffmpeg, [
    ...['-v', 'error', '-y', ...inputs, '-filter_complex', filters.join(';'), '-map', `[v${HEADS.length}]`],
    ...['-frames:v', `${Math.round(seconds * 30)}`, '-c:v', 'libx264', '-preset', 'veryfast', '-crf', '16'],
    ...['-pix_fmt', 'yuv420p', path],
  ]);
  return path;
}
