// How much of the picture do tracks cover, and what do they cover where detections are taken away?
//   node benchmarks/clip-tracks.mjs <private folder of a run over clips>…
// Nothing is detected: the folders keep what was found in every frame. Needs no labels, since what was found is the
// truth where it is held back: in gaps of 8 frames after every 5, and in the 8 frames beyond the end or before the
// beginning of what is kept.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tracksOf } from '../dist/clips/first-pass.js';
import { CLASSES } from '../dist/core/types.js';
import { rasterizeRegion } from '../dist/redact/mask.js';
import { planRegions } from '../dist/redact/plan.js';

const GAP = 8;
const BETWEEN = 5;
const say = (text) => process.stdout.write(`${text}\n`);
const percent = (share) => (100 * share).toFixed(1).padStart(6);
const json = (...path) => JSON.parse(readFileSync(join(...path), 'utf8'));

/** The clips of a run: what was found in each frame, and what the run would have tracked and redacted. */
function clipsOf(folder) {
  const { detected, settings } = json(folder, 'run.json');
  const threshold = (cls) => (detected.classes.includes(cls) ? detected.threshold[cls] : Infinity);
  const thresholds = Object.fromEntries(CLASSES.map((cls) => [cls, threshold(cls)]));
  const redact = Object.fromEntries(CLASSES.map((cls) => [cls, 'blur']));
  return readdirSync(join(folder, 'clips')).map((key) => {
    const at = join(folder, 'clips', key);
    const files = readdirSync(at).filter((file) => file.startsWith('detections'));
    const frames = files.sort().flatMap((file) =>
      readFileSync(join(at, file), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    );
    const policy = { classes: CLASSES, redact, grow: settings.grow };
    const options = { thresholds, detectEvery: settings.detectEvery };
    return { name: `${folder} ${key}`, info: json(at, 'clip.json').clip, frames, options, policy };
  });
}

/** 1 by pixel of a frame that tracks of a class redact. */
function maskOf(tracks, cls, frame, { policy, info: { width, height } }) {
  const found = tracks.flatMap(({ id, class: label, from, boxes }) => {
    const box = boxes[frame - from];
    return label !== cls || box === undefined ? [] : [{ label, box, score: 1, model: 'track', track: id }];
  });
  const mask = new Uint8Array(width * height);
  for (const region of planRegions(found, policy, width, height)) rasterizeRegion(region, width, height, mask);
  return mask;
}

const shareOf = (mask) => mask.reduce((sum, pixel) => sum + pixel, 0) / mask.length;

function coverageOf({ x1, y1, x2, y2 }, mask, { width, height }) {
  let [all, covered] = [0, 0];
  for (let y = Math.max(0, Math.ceil(y1)); y < Math.min(height, y2); y++) {
    for (let x = Math.max(0, Math.ceil(x1)); x < Math.min(width, x2); x++) {
      all++;
      covered += mask[y * width + x];
    }
  }
  return all === 0 ? 1 : covered / all;
}

/** Ways of taking detections away: which frames keep theirs, and in which the others are looked for. */
function holdings(length) {
  const gaps = Array.from({ length: 4 }, (_, i) => (frame) => (frame + 4 * i) % (BETWEEN + GAP) < BETWEEN);
  const step = Math.max(7, Math.round(length / 20));
  const ends = Array.from({ length: Math.floor((length - 5) / step) + 1 }, (_, i) => 4 + i * step);
  return [
    ...gaps.map((isKept) => ({ kind: 'gaps', isKept, isMeasured: (frame) => !isKept(frame) })),
    ...ends.flatMap((end) => [
      { kind: 'ends', isKept: (frame) => frame <= end, isMeasured: (frame) => frame > end && frame <= end + GAP },
      { kind: 'ends', isKept: (frame) => frame >= end, isMeasured: (frame) => frame < end && frame >= end - GAP },
    ]),
  ];
}

const sums = {};
say('share of the frame, mean and largest');
for (const clip of process.argv.slice(2).flatMap(clipsOf)) {
  const { name, info, frames, options } = clip;
  const classes = CLASSES.filter((cls) => options.thresholds[cls] < Infinity);
  const tracks = tracksOf(frames, info, options);
  for (const cls of classes) {
    const shares = frames.map(({ frame }) => shareOf(maskOf(tracks, cls, frame, clip)));
    const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
    say(`${percent(mean)} % ${percent(Math.max(...shares))} % ${cls} ${name}`);
  }
  for (const { kind, isKept, isMeasured } of holdings(frames.length)) {
    const kept = frames.map((frame) => (isKept(frame.frame) ? frame : { ...frame, detections: [] }));
    const followed = tracksOf(kept, info, options);
    for (const { frame, detections } of frames.filter(({ frame }) => isMeasured(frame))) {
      for (const cls of classes) {
        const mask = maskOf(followed, cls, frame, clip);
        sums[`${cls} ${kind}`] ??= { found: 0, covered: 0, frames: 0, redacted: 0 };
        const sum = sums[`${cls} ${kind}`];
        sum.frames++;
        sum.redacted += shareOf(mask);
        for (const { label, score, box } of detections ?? []) {
          if (label !== cls || score < options.thresholds[cls]) continue;
          sum.found++;
          if (coverageOf(box, mask, info) >= 0.9) sum.covered++;
        }
      }
    }
  }
}
say('of what was held back, 90 % covered; share of these frames that is redacted');
for (const [name, { found, covered, frames, redacted }] of Object.entries(sums)) {
  if (found > 0) say(`${percent(covered / found)} % of ${found} ${percent(redacted / frames)} % ${name}`);
}
