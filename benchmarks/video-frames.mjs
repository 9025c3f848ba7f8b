// What does it cost to pass a clip's frames through this process, beside ffmpeg decoding and encoding it alone?
// Does memory stay flat over a long one?
//   node benchmarks/video-frames.mjs [clip] [--rounds 3] [--minutes 10]
// Without a clip, a moving test picture of 1280 × 720 is generated. Both sides use one thread for each codec, the same
// conversions and the same encoder settings. Needs ffmpeg, and Linux for the time that programs spend on processors,
// which says more than the clock while a machine has other work.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { decodeFrames } from '../dist/video/decode.js';
import { openEncoder } from '../dist/video/encode.js';
import { joinSegments } from '../dist/video/join.js';
import { probeClip } from '../dist/video/probe.js';
import { findFfmpeg } from '../dist/video/tools.js';
import { verifyJoined } from '../dist/video/verify.js';
import { timed } from './shared.mjs';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '3' }, minutes: { type: 'string', default: '10' } },
});
const limits = { limitPixels: 1e8, limitFrames: 1e6, timeoutSeconds: 3600 };
const tools = await findFfmpeg();
const folder = mkdtempSync(join(tmpdir(), 'video-frames-'));
const say = (text) => process.stdout.write(`${text}\n`);

function generate(name, size, seconds, rate) {
  const path = join(folder, name);
  const source = `testsrc2=size=${size}:rate=${rate}:duration=${seconds}`;
  const encoder = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p'];
  execFileSync(tools.ffmpeg, ['-v', 'error', '-f', 'lavfi', '-i', source, ...encoder, '-y', path]);
  return path;
}

/** What both sides have to do: one process that decodes, converts to RGB and back, and encodes. */
function floor(path) {
  const scaling = 'flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp+bitexact';
  execFileSync(tools.ffmpeg, [
    ...['-v', 'error', '-threads', '1', '-i', path, '-an'],
    ...['-vf', `scale=${scaling},format=rgb24,scale=${scaling},format=yuv420p`, '-c:v', 'libx264', '-threads', '1'],
    ...['-preset', 'veryfast', '-crf', '20', '-bf', '0', '-x264-params', 'threads=1:lookahead-threads=1'],
    ...[...tools.keepTimes, '-f', 'matroska', '-y', join(folder, 'floor.mkv')],
  ]);
}

async function publish(clip, sums, onFrame = () => {}) {
  const segment = join(folder, 'segment.mkv');
  const out = join(folder, 'out.mp4');
  const range = { from: 0, to: clip.pts.length };
  await timed(sums, 'frames', async () => {
    const encoder = await openEncoder(tools, segment, clip, { ...range, codec: 'h264' });
    for await (const { index, rgb } of decodeFrames(tools, clip, range)) {
      await encoder.write(rgb);
      onFrame(index);
    }
    await encoder.close();
  });
  const options = { container: 'mp4', audio: 'drop' };
  const packets = await timed(sums, 'join', () => joinSegments(tools, [segment], clip, out, options));
  await timed(sums, 'verify', () => verifyJoined(tools, out, clip, packets, options));
}

async function compare() {
  const path = positionals[0] ?? generate('speed.mp4', '1280x720', 8, 30);
  const sums = {};
  let clip = await probeClip(tools, path, limits);
  for (let round = 0; round < Number(values.rounds); round++) {
    await timed(sums, 'ffmpeg', () => floor(path));
    clip = await timed(sums, 'probe', () => probeClip(tools, path, limits));
    await publish(clip, sums);
  }
  say(`${clip.width} × ${clip.height}, ${clip.pts.length} frames, ${values.rounds} rounds in turn`);
  for (const [name, { clock, processor }] of Object.entries(sums)) {
    const rate = (clip.pts.length * Number(values.rounds)) / clock;
    const ratio = `${(clock / sums.ffmpeg.clock).toFixed(2)} × by the clock`;
    say(
      `${name.padEnd(7)} ${rate.toFixed(1)} frames/s, ${ratio}, ${(processor / sums.ffmpeg.processor).toFixed(2)} × processor time`,
    );
  }
}

async function watchMemory() {
  const long = await probeClip(tools, generate('long.mp4', '192x108', Number(values.minutes) * 60, 30), limits);
  const step = Math.ceil(long.pts.length / 10);
  say(`${values.minutes} minutes, ${long.pts.length} frames; MiB resident in this process by tenth`);
  await publish(long, {}, (index) => {
    if ((index + 1) % step === 0) say((process.memoryUsage.rss() / 2 ** 20).toFixed(0));
  });
  say(`${(process.memoryUsage.rss() / 2 ** 20).toFixed(0)} after joining and verifying`);
}

try {
  if (Number(values.rounds) > 0) await compare();
  if (Number(values.minutes) > 0) await watchMemory();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
