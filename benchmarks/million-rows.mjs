// A run of very many tiny images with a detector that costs nothing: does memory stay flat, and how much of the time
// goes into listing, logs and shards, which is what is left when the images cost next to nothing?
//
//   node benchmarks/million-rows.mjs [--rows 1000000] [--input tar|folder] [--workers 2] [--bare 20000]
//
// The same samples also go through the workers alone, twice before and twice after the run: what the run takes beyond
// that is logs, shards, and waiting for the disk. Four figures that differ tell that the machine was not the same all
// the time. Processor time depends less than the time on the wall on what else the machine does, least that of the main
// thread (Linux only), which does all that is not the workers'.
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

/** Milliseconds of processor time of the main thread; none where there is no /proc. */
function ofMainThread() {
  try {
    const fields = readFileSync(`/proc/self/task/${process.pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return 10 * (Number(fields[11]) + Number(fields[12]));
  } catch {
    return Number.NaN;
  }
}

/** Starts a clock; it tells milliseconds of wall time and of processor time, all and that of the main thread, per image. */
function clock() {
  const start = performance.now();
  const used = process.cpuUsage();
  const main = ofMainThread();
  return (images) => {
    const { user, system } = process.cpuUsage(used);
    return {
      wall: (performance.now() - start) / images,
      processor: (user + system) / 1000 / images,
      main: (ofMainThread() - main) / images,
    };
  };
}

/** The first images find cold code. */
const WARM = Math.min(1000, Math.floor(rows / 10));

/** What the workers alone take for an image, with reading it and handing it over. */
async function bare(source) {
  const job = await prepareWithoutDetectors(config, GIVEN);
  const pool = new WorkerPool(job, { workers: config.workers });
  await pool.ready();
  const most = Math.min(Number(values.bare), rows);
  const work = new Set();
  let tell;
  let done = 0;
  for await (const { ref } of source.samples({ isWanted: (index) => index < most })) {
    if (done === WARM) tell = clock();
    const one = pool.process(ref, 0, { detections }).finally(() => work.delete(one));
    work.add(one);
    if (work.size >= pool.capacity * 2) await Promise.race(work);
    done++;
    if (done === most) break;
  }
  await Promise.all(work);
  const taken = tell(done - WARM);
  await pool.close();
  return taken;
}

/**
 * @param kind `wall`, `processor`, or `main`, which leaves out what the workers do, and how that varies.
 * @param of what the shares are of.
 */
function printShares(kind, listing, whole, alone, of = kind) {
  const workers = alone.reduce((sum, one) => sum + one[kind], 0) / alone.length;
  const all = listing[of] + whole[of];
  const beyond = whole[kind] - workers;
  const share = (part) => `${((100 * part) / all).toFixed(1)} %`;
  const ms = (taken) => taken[kind].toFixed(3);
  print(
    `${kind === 'main' ? "the main thread's processor" : kind} time, ms an image: listing ${ms(listing)}, the run ${ms(whole)}, the workers alone ${alone.map(ms).join(', ')}`,
  );
  print(
    `  of all: listing ${share(listing[kind])}, the run beyond the workers ${share(beyond)}, together ${share(listing[kind] + beyond)}`,
  );
}

const megabytes = (bytes) => Math.round(bytes / 2 ** 20);
try {
  const listed = clock();
  const source = await openSource(config);
  const listing = listed(rows);
  print(`listed in ${((listing.wall * rows) / 1000).toFixed(1)} s (${megabytes(process.memoryUsage().rss)} MiB)`);
  const alone = [await bare(source), await bare(source)];
  let busy = performance.eventLoopUtilization();
  let [last, since] = [0, performance.now()];
  const step = Math.max(1, Math.floor(rows / 20));
  let tell;
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
        if (done === WARM) tell = clock();
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
  const whole = tell(rows - WARM);
  alone.push(await bare(source), await bare(source));
  print(`published ${summary.published.toLocaleString('en')} of ${rows.toLocaleString('en')}`);
  printShares('wall', listing, whole, alone);
  printShares('processor', listing, whole, alone);
  printShares('main', listing, whole, alone, 'processor');
} finally {
  await rm(root, { recursive: true, force: true });
}
