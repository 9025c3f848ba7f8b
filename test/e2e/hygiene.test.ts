import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { packTar, unpackTar } from 'modern-tar';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { FORMATS, type ImageFormat, MODES, type RgbImage } from '../../src/core/types.ts';
import { digestPlaces, placesOf } from '../fixtures/canary-search.ts';
import { foreignStructures } from '../fixtures/image-structures.ts';
import { forgeSize, hiddenUnderAlpha, multiFrame, plantCanaries, planted } from '../fixtures/images.ts';
import { filesIn } from '../fixtures/ioHelpers.ts';
import { anonymize, jsonLines, listing, photograph, type Ran, sharedScratch, watched, write } from './command.ts';

/** In every string that is planted inside of a file; short, so that a cut one is found too. */
const MARK = '7q3x91';
/** In every name that a source has: of a file, a folder, a member, an owner. */
const NAME = 'e81c5d';
const CAPTION = `CANARY-caption-${MARK} Anna Example, Musterstrasse 1`;

const root = await sharedScratch();
const at = (...names: string[]): string => path.join(root, ...names);

/** Every source file by its path below `in`, which is full of names. */
const sources = new Map<string, Buffer>();
const kinds = new Map<string, readonly string[]>();
const canaries = new Set<string>([MARK, 'CANARY', 'Musterstrasse', 'Anna Example']);
/** What no digest may be of. */
const digested = new Map<string, Uint8Array | string>();

/** Names as deep, long and odd as those of people. */
const FOLDERS: Readonly<Record<ImageFormat, string>> = {
  jpeg: `CANARY-folder-${NAME}/Anna/CANARY-file-${NAME}`,
  png: `CANARY-place-${NAME}/${NAME}`,
  webp: `CANARY ünï-${NAME}`,
  avif: `deep/er/CANARY.dotted.${NAME}.name`,
  tiff: `c2pa-${NAME}`,
  gif: `gps-${NAME}`,
};

beforeAll(async () => {
  const { data, info } = await sharp(await photograph(1, 320))
    .raw()
    .toBuffer({ resolveWithObject: true });
  const image: RgbImage = { data: new Uint8Array(data), width: info.width, height: info.height };
  for (const format of FORMATS) {
    const picture = await planted(image, format);
    sources.set(`${FOLDERS[format]}.${format}`, picture.bytes);
    kinds.set(`${FOLDERS[format]}.${format}`, picture.kinds);
    for (const canary of picture.canaries) canaries.add(canary);
  }
  for (const format of ['png', 'webp'] as const) {
    sources.set(`alpha-${NAME}/${format}.${format}`, (await hiddenUnderAlpha(format)).bytes);
  }
  const jpeg = sources.get(`${FOLDERS.jpeg}.jpeg`) as Buffer;
  const held: Record<string, Buffer | string> = {
    'animated.gif': Buffer.concat([await multiFrame('gif'), Buffer.from(CAPTION)]),
    'animated.png': await multiFrame('apng'),
    'pages.tiff': await multiFrame('tiff'),
    'cut.jpg': jpeg.subarray(0, jpeg.length >> 1),
    'forged.jpg': plantCanaries(forgeSize(await photograph(2, 160), 'jpeg', 9000, 9000)).bytes,
    'text.jpg': `no picture: ${CAPTION}`,
    'vector.svg': `<svg xmlns="http://www.w3.org/2000/svg"><title>${CAPTION}</title></svg>`,
    'document.pdf': `%PDF-1.4\n1 0 obj ${CAPTION} endobj\n`,
  };
  for (const [name, bytes] of Object.entries(held)) sources.set(`held-${NAME}/${name}`, Buffer.from(bytes));
  await write(at('in'), {
    ...Object.fromEntries(sources),
    [`CANARY-notes-${NAME}.txt`]: CAPTION,
    [`passport.${NAME}`]: CAPTION,
    [`meta-${NAME}.json`]: JSON.stringify({ caption: CAPTION, url: `https://example.org/${NAME}` }),
  });
  // As a folder, the names of what is published are public by intent; of what is held back they are not.
  const named = (name: string, i: number): string => (name.startsWith('held-') ? name : `${i}${path.extname(name)}`);
  await write(at('plain'), Object.fromEntries([...sources].map(([name, bytes], i) => [named(name, i), bytes])));
  const members = [...sources].flatMap(([name, bytes], i): [string, string | Uint8Array][] => [
    [`${'long/'.repeat(i)}${NAME}/${name}`, bytes],
    [`${'long/'.repeat(i)}${NAME}/${name.replace(/\.\w+$/, '.txt')}`, CAPTION],
  ]);
  const entries = members.map(([name, body]) => ({
    header: { name, size: Buffer.byteLength(body), uname: `user-${NAME}`, gname: `group-${NAME}` },
    body,
  }));
  await writeFile(at(`shard-${NAME}.tar`), await packTar(entries));
  await mkdir(at('run-cache'));
  for (const [name, bytes] of sources) {
    digested.set(`the bytes of ${name}`, bytes);
    for (const text of [name, path.basename(name), at('in', name)]) digested.set(`the name ${text}`, text);
    const pixels = await sharp(bytes)
      .raw()
      .toBuffer()
      .catch(() => undefined);
    if (pixels !== undefined) digested.set(`the pixels of ${name}`, pixels);
  }
  digested.set('the caption', CAPTION);
  for (const [name] of members) digested.set(`the member ${name}`, name);
});

it('the fixtures do carry what is looked for', () => {
  const all = Buffer.concat([...sources.values()]);
  for (const canary of canaries) if (canary.includes(MARK)) expect(all.includes(canary), canary).toBe(true);
  expect(canaries.size).toBeGreaterThan(40);
});

/** A mode decides pixels and nothing else of what is written: a folder of one that blurs and one that draws is enough. */
const RUNS = MODES.filter((mode) => mode !== 'none').flatMap((mode) => [
  { mode, format: 'webdataset' as const },
  ...(mode === 'blur' || mode === 'synthetic' ? [{ mode, format: 'folder' as const }] : []),
]);

/** Published images by name. */
async function imagesOf(files: ReadonlyMap<string, Buffer>): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>();
  for (const [file, bytes] of files) {
    if (/\.(jpe?g|png|webp|avif|tiff|gif)$/.test(file)) found.set(file, bytes);
    if (!file.endsWith('.tar')) continue;
    for (const { header, data } of await unpackTar(bytes)) {
      if (!/\.(json|cls)$/.test(header.name)) found.set(header.name, Buffer.from(data ?? []));
    }
  }
  return found;
}

describe.each(RUNS)('$mode as $format', ({ mode, format }) => {
  const out = `out-${mode}-${format}`;
  const copies = format === 'webdataset' ? 2 : 1;
  let ran: Ran;
  let seen: Map<string, Buffer>;
  /** Everything that is public or printed, by name. */
  let files: Map<string, Buffer>;

  beforeAll(async () => {
    const inputs = format === 'webdataset' ? ['in', `shard-${NAME}.tar`] : ['plain'];
    const options = ['--preset', 'faces', '--quality', 'fast', '--workers', '1', '--redact', mode, '--format', format];
    const tmp = at(`tmp-${mode}-${format}`);
    await mkdir(tmp);
    const env = { TMPDIR: tmp, TEMP: tmp, ANONYMIZE_CACHE: at('run-cache') };
    const run = (...args: string[]): Promise<Ran> => anonymize(args, { cwd: root, env });
    ({ result: ran, seen } = await watched(tmp, run(...inputs, '--out', out, ...options)));
    const printed = [ran];
    if (mode === 'blur') printed.push(await run('verify', out), await run('report', out));
    expect(printed.map(({ code }) => code)).toEqual([1, 0, 0].slice(0, printed.length));
    files = await filesIn(at(out));
    for (const [i, { stdout, stderr }] of printed.entries()) {
      files.set(`stdout ${i}`, Buffer.from(stdout)).set(`stderr ${i}`, Buffer.from(stderr));
    }
    for (const [name, bytes] of await filesIn(at('run-cache'))) files.set(`cache ${name}`, bytes);
  });

  it('publishes what it can, and every image of it is pixels and nothing else', async () => {
    const images = await imagesOf(files);
    expect(images.size).toBe(copies * (FORMATS.length + 2));
    for (const [name, bytes] of images) {
      const extension = path.extname(name).slice(1).replace('jpg', 'jpeg') as ImageFormat;
      expect(foreignStructures(bytes, extension), name).toEqual([]);
    }
  });

  it('shows no canary of metadata, captions, pixels and names in any byte', () => {
    expect(files.size).toBeGreaterThan(6);
    const found = [...canaries, NAME, path.basename(root)].flatMap((canary) =>
      placesOf(files, canary).map((place) => `${canary} in ${place}`),
    );
    expect(found).toEqual([]);
  });

  it('shows no digest of bytes, pixels, captions and names', () => {
    expect(digestPlaces(files, digested)).toEqual([]);
  });

  it('puts nothing into the folder for temporary files, ever', async () => {
    expect([...seen.keys()]).toEqual([]);
    expect(await listing(at(`tmp-${mode}-${format}`))).toEqual([]);
  });

  it('logs what was redacted and which metadata removed, and keeps names, but nothing else of a source, in private', async () => {
    const records = await jsonLines(at(out, '_anonymize/redactions/00000.jsonl'));
    const origins = await jsonLines(at(`${out}.private`, 'sources.jsonl'));
    expect(records.flatMap(({ regions = [] }) => regions.map((region: { mode: string }) => region.mode))).toContain(
      mode,
    );
    const named = origins.filter(({ source }) => kinds.has(path.relative(at('in'), source)));
    expect(named).toHaveLength(format === 'webdataset' ? FORMATS.length : 0);
    for (const { key, source } of named) {
      const record = records.find((candidate) => candidate.key === key);
      expect(record.stripped, source).toEqual(kinds.get(path.relative(at('in'), source)));
    }
    expect(placesOf(await filesIn(at(`${out}.private`)), MARK)).toEqual([]);
  });
});

it('a refusal of an input prints no name of what is in it', async () => {
  for (const [i, names] of [[`../${NAME}.jpg`], [`/${NAME}.jpg`], [`${NAME}.jpg`, `${NAME}.jpg`]].entries()) {
    await writeFile(at(`bad-${i}.tar`), await packTar(names.map((name) => ({ header: { name, size: 1 }, body: 'x' }))));
  }
  await write(at('other'), { [`in/${FOLDERS.gif}.gif`]: 'x' });
  for (const inputs of [['bad-0.tar'], ['bad-1.tar'], ['bad-2.tar'], ['in', 'other/in']]) {
    const ran = await anonymize([...inputs, '--out', 'never'], { cwd: root });
    expect(ran).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(/^.*Expected .* but received /) });
    expect(ran.stderr).not.toContain(NAME);
  }
});

describe('nothing is left outside the output and the private folder', () => {
  // Where onnxruntime would keep a device id and events for its maker; a CI system would silence it by itself.
  const elsewhere = () => ({
    HOME: at('home'),
    USERPROFILE: at('home'),
    XDG_CACHE_HOME: undefined,
    TMPDIR: at('tmp'),
    TEMP: at('tmp'),
    CI: undefined,
    GITHUB_ACTIONS: undefined,
    ORT_DISABLE_TELEMETRY: undefined,
    ANONYMIZE_CACHE: at('cache'),
  });

  beforeAll(async () => {
    await write(at('one'), { 'a.jpg': await photograph(1, 160) });
    for (const folder of ['home', 'tmp', 'cache']) await mkdir(at(folder));
  });

  it('by the command', async () => {
    // A model that is compiled on first use, so that the cache is written.
    const options = ['--preset', 'faces', '--model', 'face=ssd-mobilenetv1-face'];
    const ran = await anonymize(['one', '--out', 'quiet-out', ...options], { cwd: root, env: elsewhere() });
    expect(ran.code).toBe(0);
    expect([...(await listing(at('home'))), ...(await listing(at('tmp')))]).toEqual([]);
    expect(await listing(at('cache'))).toEqual([expect.stringMatching(/^[0-9a-f]{64}\.onnx$/)]);
  });

  it('by the library', () => {
    const library = JSON.stringify(new URL('../../dist/index.js', import.meta.url).href);
    const script = `
      const { createAnonymizer } = await import(${library});
      const anonymizer = await createAnonymizer({ preset: 'faces', workers: 1 });
      await anonymizer.process(fs.readFileSync(${JSON.stringify(at('one/a.jpg'))}));
      await anonymizer.close();`;
    execFileSync(process.execPath, ['--input-type=module', '-e', `import fs from 'node:fs';${script}`], {
      env: { ...process.env, ...elsewhere() },
    });
    return expect(Promise.all([listing(at('home')), listing(at('tmp'))])).resolves.toEqual([[], []]);
  });
});
