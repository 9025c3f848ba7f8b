// What of a long clip is in memory at once, piece by piece, without decoding a single frame?
//   node benchmarks/clip-memory.mjs [--frames 200000] [--life 900]
// Five things are in every frame (three faces, a body, a plate), each for `--life` frames. Every piece is a process of its
// own. `heap` is the most that garbage collections have left in V8's heap, `buffers` what is kept outside of it in the end,
// `resident` the most of the process that was in memory at any time, garbage included.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { serialize } from 'node:v8';
import { findCovers } from '../dist/clips/first-pass.js';
import { writeClipLog } from '../dist/clips/log.js';
import { ClipProgress } from '../dist/clips/progress.js';

const { values } = parseArgs({
  options: {
    frames: { type: 'string', default: '200000' },
    life: { type: 'string', default: '900' },
    piece: { type: 'string' },
  },
});
const frames = Number(values.frames);
const life = Number(values.life);
const SEGMENT = 120;
const LABELS = ['face', 'face', 'face', 'body', 'plate'];

const clip = {
  ...{ path: 'clip.mp4', container: 'mp4', stream: 0, codec: 'h264', width: 1280, height: 720, alpha: false },
  ...{ orientation: { clockwise: 0, mirrored: false }, pixelAspect: { num: 1, den: 1 }, bitDepth: 8, hasAudio: false },
  ...{
    timeBase: { num: 1, den: 15360 },
    duration: frames * 512,
    colour: { range: 'tv', matrix: 'bt709' },
    dropped: {},
  },
  pts: Array.from({ length: frames }, (_, i) => i * 512),
  keyframes: Array.from({ length: Math.ceil(frames / 250) }, (_, i) => i * 250),
};

function boxIn(frame, k) {
  const x = 60 + 230 * k + 40 * Math.sin(frame / 50 + k);
  const y = 100 + ((Math.floor(frame / life) * 97) % 400) + 30 * Math.cos(frame / 70);
  return { x1: x, y1: y, x2: x + 60.5, y2: y + 71.25 };
}

function detectedIn(segment) {
  const from = segment * SEGMENT;
  return Array.from({ length: Math.min(SEGMENT, frames - from) }, (_, i) => {
    const frame = from + i;
    const detections = LABELS.map((label, k) => ({ label, box: boxIn(frame, k), score: 0.91, model: 'some' }));
    // As it comes from a file.
    return JSON.parse(JSON.stringify({ frame, differences: [2.1, 2.4, 2.6, 2.9, 3.1], detections }));
  });
}

const guide = () => ({
  ...{ kind: 'followed-face', expression: [10.5, 48.5, 0.5, 7.5, 7.5, 16.5], gaze: { x: 0, y: 1 } },
  ...{ pose: { turn: 0.1, nod: 0.2, tilt: 0.3, scale: 0.5, shift: { x: 100.5, y: 80.5 } } },
  grain: { noise: 1.5, blur: 1.5 },
});

/** Bytes of what is sent to a worker with a segment, but for the boxes in its frames: the largest. */
let sent = 0;

function workWith(drawsFaces) {
  return {
    ...{ clip, corrections: [], drawsFaces, progress: new ClipProgress(2) },
    settings: { detectEvery: 1, thresholds: { face: 0.3, body: 0.3, plate: 0.3, text: 0.3 } },
    workspace: { detected: async (segment) => detectedIn(segment), keepDetected: async () => {} },
    pool: {
      capacity: 2,
      segment: async ({ segment }) => {
        sent = Math.max(sent, serialize(segment.clip).length);
        const posed = segment.covers.map((covers) =>
          covers.map(({ detection: { track } }) => ({ track, guide: guide() })),
        );
        return { status: 'posed', frames: posed };
      },
    },
  };
}

async function* logLines() {
  for (let frame = 0; frame < frames; frame++) {
    const regions = LABELS.map((cls, track) => {
      const look = { shape: 'ellipse', mode: 'blur', cells: 6, sigma: 7.4, origin: 'detector' };
      return { track, class: cls, box: [64, 32, 80, 96], ...look };
    });
    yield { frame, regions };
  }
}

const PIECES = {
  none: async () => clip,
  log: async (folder) => {
    mkdirSync(join(folder, '_anonymize', 'redactions'), { recursive: true });
    return writeClipLog(folder, { v: 1, key: '000000000', kind: 'clip', status: 'verified' }, logLines());
  },
  covers: async () => findCovers(workWith(false)),
  'drawn faces': async () => findCovers(workWith(true)),
};

async function measure(piece) {
  const folder = mkdtempSync(join(tmpdir(), 'clip-memory-'));
  try {
    const kept = await PIECES[piece](folder);
    globalThis.gc();
    const { arrayBuffers, heapUsed } = process.memoryUsage();
    const { maxRSS } = process.resourceUsage();
    const MiB = 2 ** 20;
    const result = { kept: heapUsed / MiB, buffers: arrayBuffers / MiB, resident: maxRSS / 1024, sent };
    process.stdout.write(`\nresult ${JSON.stringify({ ...result, isKept: kept !== undefined })}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (values.piece !== undefined) await measure(values.piece);
else {
  const say = (text) => process.stdout.write(`${text}\n`);
  say(`${frames} frames of five things, each there for ${life}; MiB`);
  say('piece         heap  heap at end  buffers  resident  sent with a segment');
  for (const piece of Object.keys(PIECES)) {
    const self = fileURLToPath(import.meta.url);
    const flags = ['--expose-gc', '--trace-gc', '--max-old-space-size=8192', self];
    const args = ['--frames', `${frames}`, '--life', `${life}`, '--piece', piece];
    const { stdout } = spawnSync(process.execPath, [...flags, ...args], { encoding: 'utf8', maxBuffer: 1e9 });
    const left = [...stdout.matchAll(/(?:Mark-Compact|Mark-sweep).*? -> ([\d.]+) /g)].map(([, after]) => Number(after));
    const result = JSON.parse(/^result (.*)$/m.exec(stdout)?.[1] ?? 'null');
    if (result === null) throw new Error(`Expected figures of ${piece} but received none`);
    const { kept, buffers, resident } = result;
    const numbers = [
      [Math.max(...left), 6],
      [kept, 12],
      [buffers, 8],
      [resident, 9],
    ];
    say(
      `${piece.padEnd(12)}${numbers.map(([n, width]) => n.toFixed(0).padStart(width)).join(' ')}  ${result.sent ? `${result.sent} bytes` : ''}`,
    );
  }
}
