// Damaged images and archives through the real pipeline: does each of them end as a clean publication or as a
// rejection with its reason, in time, and in bounded memory?
//
//   node benchmarks/fuzz.mjs [--inputs 10000] [--from 0] [--workers 2] [--redact blur] [--encode keep] [--out <dir>]
//
// Input n is the same in every run, so that a violation is looked at again with --from n --inputs 1.
// The pipeline runs in a process of its own: if that dies, the inputs that it held are reported, and another goes on.
import { fork } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { createViteServer } from 'vitest/node';
import { fillConfig } from '../dist/config.js';
import { UsageError } from '../dist/errors.js';
import { scanContainer } from '../dist/image/container.js';
import { openSource } from '../dist/io/source.js';
import { prepareJob } from '../dist/prepare.js';
import { WorkerPool } from '../dist/worker/pool.js';

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '10000' },
    from: { type: 'string', default: '0' },
    workers: { type: 'string', default: '2' },
    redact: { type: 'string', default: 'blur' },
    encode: { type: 'string', default: 'keep' },
    out: { type: 'string', default: path.join(tmpdir(), 'anonymize-fuzz-violations') },
  },
});
const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Every tenth input is an archive. */
const TAR_EVERY = 10;
/** Seconds that one image may take, and what it may take beyond them before it is called a hang. */
const TIME_LIMIT = 10;
const GRACE = 5;
const LIMIT_PIXELS = 4e6;
const REASON = /^[a-z0-9_:-]{1,64}$/;

/** The generators of the tests, which are TypeScript. */
async function loadInputs() {
  const server = await createViteServer({
    configFile: false,
    root: ROOT,
    appType: 'custom',
    logLevel: 'error',
    server: { middlewareMode: true, ws: false, watch: null },
    optimizeDeps: { noDiscovery: true },
  });
  const { MARK, fuzzImage, fuzzSeeds, fuzzTar } = await server.ssrLoadModule('/test/fixtures/fuzz-inputs.ts');
  await server.close();
  const demo = path.join(
    path.dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json')),
    'demo',
  );
  const pictures = [];
  for (const [i, width] of [200, 144, 96, 64].entries()) {
    const picture = sharp(path.join(demo, `sample${i + 1}.jpg`)).resize(width);
    const { data, info } = await picture.removeAlpha().raw().toBuffer({ resolveWithObject: true });
    pictures.push({ data: new Uint8Array(data), width: info.width, height: info.height });
  }
  const seeds = await fuzzSeeds(pictures);
  const isTar = (n) => n % TAR_EVERY === TAR_EVERY - 1;
  return { MARK, isTar, make: (n) => (isTar(n) ? fuzzTar(seeds, n) : fuzzImage(seeds, n)) };
}

/** What is wrong with an outcome; undefined for a clean publication and for a rejection of the input. */
async function wrongWith(outcome, mark) {
  if (outcome.status === 'failed_to_anonymize') return `failed: ${outcome.reason}: ${outcome.message}`;
  if (outcome.status !== 'verified') return REASON.test(outcome.reason) ? undefined : `reason ${outcome.reason}`;
  const bytes = Buffer.from(outcome.bytes);
  const { disallowed, trailingBytes, frames, width, height } = scanContainer(bytes);
  if (disallowed.length > 0 || trailingBytes > 0 || frames !== 1)
    return `published with ${disallowed} ${trailingBytes}`;
  if (bytes.includes(mark) || JSON.stringify(outcome.record).includes(mark)) return 'published with a canary';
  const { info } = await sharp(bytes, { failOn: 'warning' }).raw().toBuffer({ resolveWithObject: true });
  return info.width === width && info.height === height ? undefined : 'published in another size';
}

/** Runs in the child: inputs `from` to `to`, told one by one to the parent. */
async function work(from, to) {
  const { MARK, isTar, make } = await loadInputs();
  const { redact, encode } = values;
  const options = {
    redact,
    encode,
    preset: 'faces',
    quality: 'fast',
    timeLimit: TIME_LIMIT,
    limitPixels: LIMIT_PIXELS,
  };
  const job = await prepareJob(fillConfig({ inputs: ['-'], out: 'unused', ...options }));
  const pool = new WorkerPool(job, { workers: Number(values.workers) });
  const folder = await mkdtemp(path.join(tmpdir(), 'anonymize-fuzz-'));
  await pool.ready();

  const look = async (ref) => {
    const begin = performance.now();
    const outcome = await pool.process(ref);
    const seconds = (performance.now() - begin) / 1000;
    let wrong = await wrongWith(outcome, MARK).catch((error) => `published but unreadable: ${error.message}`);
    if (seconds > TIME_LIMIT + GRACE) wrong ??= `took ${seconds} s`;
    const regions = outcome.status === 'verified' ? outcome.record.regions.length : 0;
    return {
      reason: outcome.status === 'verified' ? 'published' : `${outcome.stage}: ${outcome.reason}`,
      regions,
      wrong,
      seconds,
    };
  };
  const lookIntoTar = async (n, bytes) => {
    const file = path.join(folder, `${n}.tar`);
    await writeFile(file, bytes);
    const begin = performance.now();
    const looks = [];
    try {
      const source = await openSource({ inputs: [file], out: `${folder}.out`, privateDir: `${folder}.private` });
      for await (const { ref } of source.samples()) looks.push(await look(ref));
      if (looks.length === 0) looks.push({ reason: 'archive without images' });
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      const [, what = 'name'] =
        /: (?:Invalid tar )?([\w -]{4,40})/i.exec(error.message.slice(error.message.indexOf('.tar'))) ?? [];
      looks.push({ reason: `archive refused: ${what.replace(/\d+/g, '…')}` });
    } finally {
      await rm(file);
    }
    looks.push({ seconds: (performance.now() - begin) / 1000 });
    return looks;
  };

  let next = from;
  const lane = async () => {
    while (next < to) {
      const n = next++;
      process.send({ begin: n });
      const { kind, bytes } = await make(n);
      const wrong = (error) => [{ reason: 'thrown', wrong: error.stack ?? String(error) }];
      const looks = isTar(n)
        ? await lookIntoTar(n, bytes).catch(wrong)
        : [await look({ kind: 'bytes', bytes }).catch((error) => wrong(error)[0])];
      process.send({ end: n, kind, looks, peak: process.resourceUsage().maxRSS * 1024 });
    }
  };
  await Promise.all(Array.from({ length: pool.capacity }, lane));
  await pool.close();
  await rm(folder, { recursive: true, force: true });
  process.disconnect();
}

const add = (counts, key, n = 1) => counts.set(key, (counts.get(key) ?? 0) + n);
const print = (line) => process.stdout.write(`${line}\n`);
const table = (title, counts) => {
  print(`\n${title}`);
  for (const [key, n] of [...counts].sort((a, b) => b[1] - a[1])) print(`${String(n).padStart(7)}  ${key}`);
};

/** Runs the parent: starts children until all inputs have been looked at, and sums up. */
async function supervise(from, to) {
  const total = { kinds: new Map(), reasons: new Map(), regions: 0, longest: 0, peak: 0, done: 0, violations: [] };
  const begin = performance.now();
  for (let start = from; start < to; ) {
    const held = new Map();
    let reached = start;
    const child = fork(fileURLToPath(import.meta.url), process.argv.slice(2), {
      env: { ...process.env, FUZZ_RANGE: `${start} ${to}` },
    });
    child.on('message', ({ begin: n, end, kind, looks, peak }) => {
      if (n !== undefined) {
        held.set(n, true);
        reached = Math.max(reached, n + 1);
        return;
      }
      held.delete(end);
      add(total.kinds, kind);
      total.peak = Math.max(total.peak, peak);
      for (const { reason, regions = 0, wrong, seconds = 0 } of looks) {
        if (reason !== undefined) add(total.reasons, reason);
        total.regions += regions;
        if (seconds > total.longest) Object.assign(total, { longest: seconds, slowest: end });
        if (wrong !== undefined) total.violations.push({ n: end, wrong });
      }
      if (++total.done % 500 === 0) {
        const minutes = ((performance.now() - begin) / 60_000).toFixed(1);
        print(
          `${total.done} inputs, ${minutes} min, ${total.violations.length} violations, ${(total.peak / 2 ** 20).toFixed(0)} MiB`,
        );
      }
    });
    const [code, signal] = await new Promise((resolve) => child.on('close', (...end) => resolve(end)));
    if (code === 0 && held.size === 0) break;
    if (reached === start) throw new Error('Expected the pipeline to start but its process ended');
    for (const n of held.keys()) total.violations.push({ n, wrong: `held when the process ended (${signal ?? code})` });
    start = reached;
  }
  table('Inputs by what was done to them', total.kinds);
  table('Outcomes (images; archives that were refused as a whole)', total.reasons);
  print(`\n${total.done} inputs in ${((performance.now() - begin) / 60_000).toFixed(1)} min`);
  print(`Redacted regions in what was published: ${total.regions}`);
  print(`Longest: ${total.longest.toFixed(2)} s (input ${total.slowest}), limit ${TIME_LIMIT} s`);
  print(`Peak memory of the process: ${(total.peak / 2 ** 20).toFixed(0)} MiB`);
  print(`Violations: ${total.violations.length}`);
  if (total.violations.length === 0) return;
  const { make } = await loadInputs();
  await mkdir(values.out, { recursive: true });
  for (const { n, wrong } of total.violations) {
    const { kind, bytes } = await make(n);
    const file = path.join(values.out, `${n}.bin`);
    await writeFile(file, bytes);
    print(`  input ${n} (${kind}, ${file}): ${wrong}`);
  }
  process.exitCode = 1;
}

if (process.env.FUZZ_RANGE) await work(...process.env.FUZZ_RANGE.split(' ').map(Number));
else await supervise(Number(values.from), Number(values.from) + Number(values.inputs));
