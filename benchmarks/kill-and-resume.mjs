// Kills runs at random instants and resumes them: does every one end with the bytes of an undisturbed run, and
// was anything ever at its final name that is not in there?
//
//   node benchmarks/kill-and-resume.mjs [--kills 100] [--images 24] [--parts 3]
//
// With --parts, every run is done by so many processes (--shard-index), two of them at once; each is killed, goes on,
// and so does the finalization.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, watch } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { packTar, unpackTar } from 'modern-tar';
import sharp from 'sharp';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '100' },
    images: { type: 'string', default: '24' },
    parts: { type: 'string', default: '1' },
  },
});
const kills = Number(values.kills);
const images = Number(values.images);
const parts = Number(values.parts);
const COMMAND = fileURLToPath(new URL('../bin/anonymize.cjs', import.meta.url));
const OPTIONS = ['--preset', 'faces', '--quality', 'fast', '--samples-per-shard', '2', '--quiet'];
/** Names under which nothing is promised to be whole. */
const UNFINISHED = /(\.tmp|\.pending)$|(^|\/)\.staging-\d+(\/|$)|^_anonymize\/(lock|parts)/;

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

async function makeInputs(root) {
  const demo = path.join(
    path.dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json')),
    'demo',
  );
  await mkdir(path.join(root, 'photos/more'), { recursive: true });
  const members = [];
  for (let i = 0; i < images; i++) {
    const photo = sharp(path.join(demo, `sample${(i % 6) + 1}.jpg`));
    const body = await photo
      .resize(200 + 4 * i)
      .jpeg()
      .toBuffer();
    await writeFile(path.join(root, 'photos', i % 3 === 0 ? `${i}.jpg` : `more/${i}.jpg`), body);
    members.push({ header: { name: `${i}.jpg`, size: body.length }, body });
  }
  // One that cannot be published, so that there is something in every log.
  await writeFile(path.join(root, 'photos/more/broken.jpg'), 'no photograph');
  members.splice(5, 0, { header: { name: 'broken.jpg', size: 4 }, body: 'none' });
  await writeFile(path.join(root, 'photos.tar'), await packTar(members));
}

/** Starts a run; `whenBegun` is called once it holds the output. */
function run(args, out, whenBegun) {
  const at = args.indexOf('--shard-index');
  const lock = at < 0 ? '_anonymize/lock' : `_anonymize/parts/${args[at + 1]}-of-${parts}/lock`;
  return command([...args, '--out', out, ...OPTIONS], path.join(out, lock), whenBegun);
}

function command(args, lock, whenBegun) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [COMMAND, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    const stderr = [];
    child.stderr.on('data', (chunk) => stderr.push(chunk));
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stderr: Buffer.concat(stderr).toString() }));
    if (whenBegun !== undefined) void untilBegun(lock, child).then((begun) => begun && whenBegun(child));
  });
}

async function untilBegun(lock, child) {
  while (child.exitCode === null && child.signalCode === null) {
    const owner = await readFile(lock, 'utf8').catch(() => '');
    if (owner.includes(`"pid":${child.pid},`)) return true;
    await pause(1);
  }
  return false;
}

/** What two equal runs agree in: all bytes but the times of the summaries. */
function comparable(file, bytes) {
  if (!file.endsWith('_stats.json')) return sha256(bytes);
  return sha256(bytes.toString('latin1').replace(/"(start_time|end_time|duration)": [\d.e-]+/g, ''));
}

async function digests(folder) {
  const found = new Map();
  if (!existsSync(folder)) return found;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) continue;
    const file = path.relative(folder, path.join(entry.parentPath, entry.name));
    found.set(file, comparable(file, await readFile(path.join(folder, file))));
  }
  return found;
}

/** What is wrong with a file at its final name; undefined for a whole one, or one that is gone again. */
async function wrongWith(out, file, expected) {
  let bytes;
  try {
    bytes = await readFile(path.join(out, file));
  } catch {
    return undefined;
  }
  if (file === '_anonymize/run.json') {
    try {
      const { status } = JSON.parse(bytes);
      return status === 'finished' && sha256(bytes) !== expected.get(file) ? 'finished with other results' : undefined;
    } catch {
      return 'cut short';
    }
  }
  if (!expected.has(file)) return 'a name that no undisturbed run has';
  if (comparable(file, bytes) !== expected.get(file)) return `${bytes.length} bytes that differ`;
  if (!file.endsWith('.tar')) return undefined;
  const records = new Map();
  const pictures = new Map();
  for (const { header, data } of await unpackTar(bytes, { strict: true })) {
    const [key, extension] = header.name.split('.');
    if (extension === 'json') records.set(key, JSON.parse(Buffer.from(data)).out_sha256);
    else pictures.set(key, sha256(data));
  }
  const isWhole = pictures.size === records.size && [...pictures].every(([key, digest]) => records.get(key) === digest);
  return isWhole ? undefined : 'an image that is not that of its record';
}

/** Looks at every file of a folder as soon as something happens to it. */
class Monitor {
  looks = 0;
  wrong = [];
  #watchers = new Map();
  #pending = new Set();
  #changed = () => {};

  constructor(out, expected) {
    this.out = out;
    this.expected = expected;
  }

  start() {
    this.#follow('');
  }

  /** Waits for the next change of anything in the folder. */
  nextChange() {
    return new Promise((resolve) => {
      this.#changed = resolve;
    });
  }

  #follow(folder) {
    if (this.#watchers.has(folder)) return;
    try {
      const watcher = watch(path.join(this.out, folder), (_, name) => this.#look(path.join(folder, name ?? '')));
      watcher.on('error', () => this.#watchers.delete(folder));
      this.#watchers.set(folder, watcher);
    } catch {
      return;
    }
    // What came before the watcher did.
    this.#track(
      readdir(path.join(this.out, folder)).then(
        (names) => {
          for (const name of names) this.#look(path.join(folder, name));
        },
        () => {},
      ),
    );
  }

  #track(work) {
    this.#pending.add(work);
    void work.finally(() => this.#pending.delete(work));
  }

  #look(file) {
    this.#changed();
    if (UNFINISHED.test(file)) return;
    this.#track(this.#check(file));
  }

  async #check(file) {
    const names = await readdir(path.join(this.out, file)).catch(() => undefined);
    if (names !== undefined) {
      this.#follow(file);
      return;
    }
    this.looks++;
    const problem = await wrongWith(this.out, file, this.expected);
    if (problem !== undefined) this.wrong.push(`${file}: ${problem}`);
  }

  async stop() {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
    for (const watcher of this.#watchers.values()) watcher.close();
  }
}

const root = await mkdtemp(path.join(tmpdir(), 'anonymize-kill-'));
try {
  await makeInputs(root);
  const cases = [1, 2].flatMap((workers) =>
    ['photos', 'photos.tar'].flatMap((input) => ['webdataset', 'folder'].map((format) => ({ workers, input, format }))),
  );
  const whole = new Map();
  const total = { killed: 0, early: 0, writing: 0, late: 0, twice: 0, identical: 0, shards: 0, looks: 0, wrong: [] };
  for (let n = 0; n < kills; n++) {
    const { workers, input, format } = cases[n % cases.length];
    const args = [path.join(root, input), '--format', format];
    const name = `${input}-${format}`;
    if (!whole.has(name)) {
      const out = path.join(root, name);
      let begun = 0;
      const { code, stderr } = await run([...args, '--workers', '1'], out, () => {
        begun = performance.now();
      });
      if (code !== 1) throw new Error(`Expected an undisturbed run but received ${code}: ${stderr}`);
      const duration = performance.now() - begun;
      whole.set(name, { duration, out: await digests(out), privateDir: await digests(`${out}.private`) });
    }
    const { duration, out: expected, privateDir } = whole.get(name);
    const out = path.join(root, 'killed');
    for (const folder of [out, `${out}.private`]) await rm(folder, { recursive: true, force: true });
    await mkdir(out);
    const monitor = new Monitor(out, expected);
    monitor.start();
    const kill = async (start, within) => {
      const early = Math.random() < 0.1;
      // Most of the time goes into looking at images; half of the kills come while files are written.
      const writing = !early && Math.random() < 0.5;
      const ran = await start(async (child) => {
        await pause(early ? 0 : Math.random() * within);
        if (writing) {
          await Promise.race([monitor.nextChange(), pause(1000)]);
          await pause(Math.random() * 12);
        }
        child.kill('SIGKILL');
      });
      if (ran.signal === 'SIGKILL') total.killed++;
      else total.late++;
      if (early) total.early++;
      if (writing) total.writing++;
      for (const file of (await digests(out)).keys()) {
        if (UNFINISHED.test(file)) continue;
        total.looks++;
        const problem = await wrongWith(out, file, expected);
        if (problem !== undefined) total.wrong.push(`${file} after the kill: ${problem}`);
      }
    };
    const begin = (more) => (whenBegun) => run([...args, ...more, '--workers', String(workers)], out, whenBegun);
    const partArgs = (index) => ['--shard-index', String(index), '--shard-count', String(parts)];
    // Every third one is killed again while it goes on.
    const times = n % 3 === 2 ? 2 : 1;
    if (times === 2) total.twice++;
    if (parts === 1) for (let time = 0; time < times; time++) await kill(begin([]), duration);
    else {
      const part = async (index) => {
        for (let time = 0; time < times; time++) await kill(begin(partArgs(index)), duration / parts);
        const { code, stderr } = await begin(partArgs(index))();
        if (code > 1) process.stdout.write(`part ${index} ended with ${code}: ${stderr}`);
      };
      const order = Array.from({ length: parts }, (_, i) => i).sort(() => Math.random() - 0.5);
      await Promise.all(order.slice(0, 2).map(part));
      for (const index of order.slice(2)) await part(index);
    }
    const markers = await readdir(format === 'folder' ? path.join(out, '_anonymize/redactions') : out).catch(() => []);
    total.shards += markers.filter((file) => /^\d+(_stats\.json|\.jsonl)$/.test(file)).length;
    const finalize = (whenBegun) => command(['finalize', out], path.join(out, '_anonymize/lock'), whenBegun);
    if (parts > 1) await kill(finalize, 40);
    const { code, stderr } = await (parts > 1 ? finalize() : begin([])());
    await monitor.stop();
    total.looks += monitor.looks;
    total.wrong.push(...monitor.wrong);
    const same = (a, b) => a.size === b.size && [...a].every(([file, digest]) => b.get(file) === digest);
    const isIdentical =
      code === 1 && same(await digests(out), expected) && same(await digests(`${out}.private`), privateDir);
    if (isIdentical) total.identical++;
    else process.stdout.write(`NOT identical: ${name}, ${workers} workers, exit code ${code}\n${stderr}`);
    if ((n + 1) % 10 === 0) process.stdout.write(`${n + 1} runs, ${total.identical} ended identical\n`);
  }
  process.stdout.write(
    [
      `${kills} runs${parts > 1 ? ` of ${parts} parts each` : ''} over 1 and 2 workers, folder and tar, WebDataset and folder; ${images + 1} images, 2 a shard`,
      `killed: ${total.killed} times (${total.twice} runs twice; ${total.early} as soon as they had begun, ${total.writing} while files were written); over before: ${total.late}`,
      ...(parts === 1
        ? [
            `whole shards found by the last resume: ${(total.shards / kills).toFixed(1)} of ${Math.ceil((images + 1) / 2)} on average`,
          ]
        : []),
      `ended byte-identical: ${total.identical} of ${kills}`,
      `looks at files under a final name: ${total.looks}; not whole: ${total.wrong.length}`,
      ...total.wrong.slice(0, 20),
      '',
    ].join('\n'),
  );
} finally {
  await rm(root, { recursive: true, force: true });
}
