import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { packTar } from 'modern-tar';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import type { RgbImage } from '../../src/core/types.ts';
import { FORMATS } from '../../src/core/types.ts';
import { type Planted, planted } from '../fixtures/images.ts';
import { filesIn } from '../fixtures/ioHelpers.ts';
import { anonymize, jsonLines, listing, photograph, type Ran, sharedScratch, write } from './command.ts';

/** In every planted string; short, so that a cut one is found too. */
const MARK = '7f3a91';
const CAPTION = `CANARY-caption-${MARK} Anna Example, Musterstrasse 1`;

const root = await sharedScratch();
const at = (...names: string[]): string => path.join(root, ...names);
const pictures: Record<string, Planted> = {};

beforeAll(async () => {
  const { data, info } = await sharp(await photograph(1, 320))
    .raw()
    .toBuffer({ resolveWithObject: true });
  const image: RgbImage = { data: new Uint8Array(data), width: info.width, height: info.height };
  for (const format of FORMATS) pictures[format] = await planted(image, format);
});

/** Where a string stands in files: as it is, in UTF-16, in base64, upside down in case, or percent-encoded. */
function places(files: ReadonlyMap<string, Buffer>, canary: string): string[] {
  const forms = [
    Buffer.from(canary),
    Buffer.from(canary, 'utf16le'),
    Buffer.from(Buffer.from(canary).toString('base64').slice(0, -4)),
    Buffer.from(canary.toUpperCase()),
    Buffer.from(canary.toLowerCase()),
    Buffer.from(encodeURIComponent(canary)),
  ];
  const found: string[] = [];
  for (const [file, bytes] of files) {
    if (file.includes(canary)) found.push(`the name ${file}`);
    if (forms.some((form) => bytes.includes(form))) found.push(file);
  }
  return found;
}

function expectNone(files: ReadonlyMap<string, Buffer>, canaries: readonly string[]): void {
  expect(files.size).toBeGreaterThan(4);
  const found = canaries.flatMap((canary) => places(files, canary).map((place) => `${canary} in ${place}`));
  expect(found).toEqual([]);
}

it('the fixtures do carry what is looked for', () => {
  const names = Object.values(pictures).flatMap(({ bytes, canaries }) => {
    for (const canary of canaries) expect(bytes.includes(canary), canary).toBe(true);
    return canaries;
  });
  expect(names.length).toBeGreaterThan(40);
  for (const name of names) expect(name).toContain(MARK);
  expect(places(new Map([[`x-${MARK}`, Buffer.from(`..${MARK}`, 'utf16le')]]), MARK)).toHaveLength(2);
});

describe('a folder as WebDataset', () => {
  const names = [
    `CANARY-folder-${MARK}/Anna/CANARY-file-${MARK}`,
    `CANARY-place-${MARK}/${MARK}`,
    `CANARY ünï-${MARK}`,
    `deep/er/CANARY.dotted.${MARK}.name`,
    `c2pa-${MARK}`,
    `gps-${MARK}`,
  ];
  let files: Map<string, Buffer>;
  let ran: Ran;

  beforeAll(async () => {
    for (const [i, format] of FORMATS.entries()) {
      await write(at('in'), { [`${names[i]}.${format}`]: pictures[format]?.bytes as Buffer });
    }
    await write(at('in'), {
      [`broken-${MARK}.jpg`]: `no picture: CANARY-text-${MARK}`,
      [`CANARY-notes-${MARK}.txt`]: CAPTION,
      [`meta-${MARK}.json`]: JSON.stringify({ caption: CAPTION }),
    });
    ran = await anonymize([at('in'), '--out', at('out'), '--encode', 'jpeg', '--json']);
    files = await filesIn(at('out'));
  });

  it('publishes all but the broken file', () => {
    expect(ran.code).toBe(1);
    expect(JSON.parse(ran.stdout)).toMatchObject({ published: 6, rejected: 1, dropped: { txt: 1, json: 1 } });
  });

  it('carries no canary of metadata, names, captions or file systems in any byte', () => {
    const canaries = FORMATS.flatMap((format) => pictures[format]?.canaries ?? []);
    expectNone(files, [MARK, ...canaries, 'CANARY', 'Musterstrasse', root, path.basename(root)]);
  });

  it('names the kinds of metadata that were removed, and keeps the names in the private folder', async () => {
    const records = await jsonLines(at('out/_anonymize/redactions/00000.jsonl'));
    const sources = await jsonLines(at('out.private/sources.jsonl'));
    for (const [i, format] of FORMATS.entries()) {
      const index = sources.findIndex((s) => s.source === at('in', `${names[i]}.${format}`));
      expect(records[index].stripped, format).toEqual(pictures[format]?.kinds);
    }
  });
});

it('a folder as folder carries no canary of metadata in any byte', async () => {
  for (const format of FORMATS) await write(at('plain'), { [`image.${format}`]: pictures[format]?.bytes as Buffer });
  const ran = await anonymize([
    at('plain'),
    '--out',
    at('plain-out'),
    '--format',
    'folder',
    '--preset',
    'faces',
    '--json',
  ]);
  expect(ran.code).toBe(0);
  const files = await filesIn(at('plain-out'));
  expect([...files.keys()].filter((f) => f.startsWith('image.'))).toHaveLength(6);
  expectNone(files, [MARK, ...FORMATS.flatMap((format) => pictures[format]?.canaries ?? []), root]);
});

it('a tar carries no canary of its name, its members and their metadata in any byte', async () => {
  const members: [string, string | Uint8Array][] = [
    [`CANARY-key-${MARK}/anna.jpg`, pictures.jpeg?.bytes as Buffer],
    [`CANARY-key-${MARK}/anna.json`, JSON.stringify({ caption: CAPTION, url: `https://example.org/${MARK}` })],
    [`CANARY-key-${MARK}/anna.txt`, CAPTION],
    [`${'long/'.repeat(30)}${MARK}.png`, pictures.png?.bytes as Buffer],
  ];
  const tar = await packTar(
    members.map(([name, body]) => ({
      header: { name, size: Buffer.byteLength(body), uname: `user-${MARK}`, gname: `group-${MARK}` },
      body,
    })),
  );
  await writeFile(at(`shard-${MARK}.tar`), tar);
  const options = ['--encode', 'jpeg', '--preset', 'faces', '--json'];
  const ran = await anonymize([at(`shard-${MARK}.tar`), '--out', at('tar-out'), ...options]);
  expect(ran.code).toBe(0);
  expect(JSON.parse(ran.stdout)).toMatchObject({ published: 2, dropped: { json: 1, txt: 1 } });
  expectNone(await filesIn(at('tar-out')), [MARK, 'CANARY', 'anna', 'Musterstrasse', root]);
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
