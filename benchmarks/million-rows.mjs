// A run of very many tiny images with a detector that costs nothing: does memory stay flat, and how much of the time
// goes into listing, logs and shards, which is what is left when the images cost next to nothing?
//
//   node benchmarks/million-rows.mjs [--rows 1000000] [--input tar|folder] [--workers 2] [--bare 20000]
//
// The same samples also go through the workers alone, before and after the run: what the run takes beyond that is
// listing, logs, shards, and waiting for the disk. On a machine that does other things, too, the share of the main thread
// in the processor time says more (Linux only): it does all of that, and hands the samples to the workers.
import { readFileSync } from 'node:fs';
import { link, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { packTar } from 'modern-tar';
import sharp from 'sharp';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    input: { type: 'string', default: 'tar' },
    workers: { type: 'string', default: String(availableParallelism()) },
    bare: { type: 'string', default: '20000' },
  },
});
const rows = Number(values.rows);
const SIDE = 32;
const IMAGES = 50;
const PER_TAR = 10_000;
/** Most file systems allow no more names of one file. */
const NAMES_PER_FILE = 30_000;

async function pictures() {
  return Promise.all(
    Array.from({ length: IMAGES }, (_, i) =>
      sharp({ create: { width: SIDE, height: SIDE, channels: 3, background: { r: 5 * i, g: 128, b: 255 - 5 * i } } })
        .jpeg()
        .toBuffer(),
    ),
  );
}

async function makeTars(folder) {
  const images = await pictures();
  for (let start = 0; start < rows; start += PER_TAR) {
    const members = [];
    for (let i = start; i < Math.min(rows, start + PER_TAR); i++) {
      const body = images[i % IMAGES];
      const key = String(i).padStart(8, '0');
      members.push({ header: { name: `${key}.jpg`, size: body.length }, body });
      members.push({ header: { name: `${key}.cls`, size: 1 }, body: String(i % 10) });
    }
    await writeFile(path.join(folder, `${String(start / PER_TAR).padStart(5, '0')}.tar`), await packTar(members));
  }
  return (await readdir(folder)).sort().map((name) => path.join(folder, name));
}

async function makeFolder(folder) {
  const images = await pictures();
  for (let i = 0; i < rows; i++) {
    const within = path.join(folder, String(Math.floor(i / 1000)).padStart(4, '0'));
    if (i % 1000 === 0) await mkdir(within);
    const original = path.join(folder, '..', `${i % IMAGES}-${Math.floor(i / IMAGES / NAMES_PER_FILE)}.jpg`);
    if (Math.floor(i / IMAGES) % NAMES_PER_FILE === 0) await writeFile(original, images[i % IMAGES]);
    await link(original, path.join(within, `${i}.jpg`));
  }
  return [folder];
}

const print = (line) => process.stdout.write(`${line}\n`);
const root = await mkdtemp(path.join(tmpdir(), 'anonymize-rows-'));
const folder = path.join(root, 'input');
await mkdir(folder);
print(`making ${rows.toLocaleString('en')} images of ${SIDE} x ${SIDE} px …`);
const inputs = await (values.input === 'folder' ? makeFolder : makeTars)(folder);

const { fillConfig } = await import('../dist/config.js');
const { openSource } = await import('../dist/io/source.js');
const { GIVEN, prepareWithoutDetectors } = await import('../dist/prepare.js');
const { runSource } = await import('../dist/run.js');
const { WorkerPool } = await import('../dist/worker/pool.js');

const config = fillConfig({ inputs, out: path.join(root, 'clean'), workers: Number(values.workers), preset: 'faces' });
const detections = [
  { label: 'face', box: { x1: 8, y1: 8, x2: 20, y2: 20 }, score: 1, model: 'given', origin: 'given' },
];

/** Samples per second of the workers alone. */
async function bare(source) {
  const job = await prepareWithoutDetectors(config, GIVEN);
  const pool = new WorkerPool(job, { workers: config.workers });
  await pool.ready();
  const most = Math.min(Number(values.bare), rows);
  const work = new Set();
  let start = 0;
  let done = 0;
  for await (const { ref } of source.samples({ isWanted: (index) => index < most })) {
    // The first thousand find cold code.
    if (done === 1000) start = performance.now();
    const one = pool.process(ref, 0, { detections }).finally(() => work.delete(one));
    work.add(one);
    if (work.size >= pool.capacity * 2) await Promise.race(work);
    done++;
  }
  await Promise.all(work);
  const speed = (1000 * (done - 1000)) / (performance.now() - start);
  await pool.close();
  return speed;
}

/** Processor time of the main thread and of the whole process, in ticks. */
function ticks() {
  const of = (file) => {
    const fields = readFileSync(file, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return Number(fields[11]) + Number(fields[12]);
  };
  try {
    return { main: of(`/proc/self/task/${process.pid}/stat`), all: of('/proc/self/stat') };
  } catch {
    return undefined;
  }
}

const megabytes = (bytes) => Math.round(bytes / 2 ** 20);
const seconds = (from) => ((performance.now() - from) / 1000).toFixed(1);
try {
  let start = performance.now();
  const source = await openSource(config);
  print(`listed in ${seconds(start)} s (${megabytes(process.memoryUsage().rss)} MiB)`);
  const before = await bare(source);
  start = performance.now();
  const used = ticks();
  let busy = performance.eventLoopUtilization();
  let [last, since] = [0, performance.now()];
  const step = Math.max(1, Math.floor(rows / 20));
  print('rows       images/s   main thread busy   memory (heap / external / resident MiB)');
  const summary = await runSource(
    {
      config,
      source,
      prepare: (resolved) => prepareWithoutDetectors(resolved, GIVEN),
      knownOf: async () => ({ detections }),
      detections: 'given',
      before: GIVEN,
      digest: null,
    },
    {
      onProgress({ done }) {
        if (done % step !== 0) return;
        const now = performance.now();
        const { utilization } = performance.eventLoopUtilization(busy);
        const { heapUsed, external, rss } = process.memoryUsage();
        print(
          `${String(done).padEnd(10)} ${((1000 * (done - last)) / (now - since)).toFixed(0).padStart(8)} ${(100 * utilization).toFixed(1).padStart(17)} % ${`${megabytes(heapUsed)} / ${megabytes(external)} / ${megabytes(rss)}`.padStart(28)}`,
        );
        [last, since, busy] = [done, now, performance.eventLoopUtilization()];
      },
    },
  );
  const usedAfter = ticks();
  const whole = rows / ((performance.now() - start) / 1000);
  const after = await bare(source);
  const alone = (before + after) / 2;
  print(`published ${summary.published.toLocaleString('en')} of ${rows.toLocaleString('en')}`);
  print(
    `workers alone ${before.toFixed(0)} and ${after.toFixed(0)} images/s, the run ${whole.toFixed(0)}: ${(100 * (1 - whole / alone)).toFixed(1)} % of its time is beyond the workers`,
  );
  if (used && usedAfter) {
    const share = (usedAfter.main - used.main) / (usedAfter.all - used.all);
    print(`the main thread took ${(100 * share).toFixed(1)} % of the processor time of the run`);
  }
} finally {
  await rm(root, { recursive: true, force: true });
}
