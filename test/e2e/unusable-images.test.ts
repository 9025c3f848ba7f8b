import { chmod, mkdir, readFile, symlink, truncate } from 'node:fs/promises';
import path from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import { unpackTar } from 'modern-tar';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { bombPng, forgeSize, multiFrame, plantCanaries } from '../fixtures/images.ts';
import { filesIn } from '../fixtures/ioHelpers.ts';
import { anonymize, json, jsonLines, listing, photograph, type Ran, sharedScratch, write } from './command.ts';

/** What must become of each file, by name: published, or held back for a reason. */
const EXPECTED: Readonly<Record<string, 'published' | `${string}/${string}`>> = {
  'animated.gif': 'decode/multi-frame',
  'animated.png': 'decode/multi-frame',
  'bomb.png': 'decode/too-many-pixels',
  'broken-link.jpg': 'read/unreadable',
  'corrupt.jpg': 'decode/corrupt',
  'document.pdf': 'decode/unsupported:pdf',
  'empty.jpg': 'decode/empty',
  'forged.jpg': 'decode/corrupt',
  'forged.png': 'decode/corrupt',
  'huge.jpg': 'read/too-large',
  'link-to-itself.jpg': 'read/unreadable',
  'names/$(touch pwned);`id`.jpg': 'published',
  'names/-rf.jpg': 'published',
  'names/new\nline.jpg': 'published',
  'names/with "quotes" and \'spaces\'.jpg': 'published',
  'names/ünïcode 照片 🎭.jpg': 'published',
  'pages.tiff': 'decode/multi-frame',
  'phone.heic': 'decode/unsupported:heic',
  'pixel.png': 'published',
  'sliver.png': 'published',
  'text.jpg': 'decode/unsupported:unknown',
  'truncated.jpg': 'decode/truncated',
  'vector.svg': 'decode/unsupported:svg',
};
const NAMES = Object.keys(EXPECTED).sort();

const root = await sharedScratch();
const at = (...names: string[]): string => path.join(root, ...names);

function heic(): Buffer {
  const bytes = Buffer.alloc(600, 'HEIC-content-');
  bytes.writeUInt32BE(24);
  bytes.write('ftypheic\0\0\0\0mif1heic', 4, 'latin1');
  return bytes;
}

beforeAll(async () => {
  const clean = await photograph(1, 320);
  const middle = Math.floor(clean.length / 2);
  const damaged = Buffer.concat([clean.subarray(0, middle), Buffer.alloc(600), clean.subarray(middle + 600)]);
  const whole = plantCanaries(clean).bytes;
  const cut = whole.indexOf(clean.subarray(middle, middle + 40));
  const colour = (width: number, height: number) =>
    sharp({ create: { width, height, channels: 3, background: '#3a7' } })
      .png()
      .toBuffer();
  const small = await photograph(2, 160);
  await write(at('in'), {
    'animated.gif': await multiFrame('gif'),
    'animated.png': await multiFrame('apng'),
    'bomb.png': bombPng(),
    'corrupt.jpg': plantCanaries(damaged).bytes,
    'document.pdf': '%PDF-1.4\n1 0 obj CANARY-pdf-7q3x91 endobj\n',
    'empty.jpg': '',
    'huge.jpg': 'no picture',
    'forged.jpg': forgeSize(small, 'jpeg', 9000, 9000),
    'forged.png': forgeSize(await colour(40, 30), 'png', 4000, 3000),
    'pages.tiff': await multiFrame('tiff'),
    'phone.heic': heic(),
    'pixel.png': await colour(1, 1),
    'sliver.png': await colour(1, 5000),
    'text.jpg': 'CANARY-text-7q3x91: this is no picture',
    'truncated.jpg': whole.subarray(0, cut),
    'vector.svg': '<svg xmlns="http://www.w3.org/2000/svg"><text>CANARY-svg-7q3x91</text></svg>',
    ...Object.fromEntries(NAMES.filter((name) => name.startsWith('names/')).map((name) => [name, small])),
    '.hidden.jpg': small,
    'labels.csv': 'a,b',
  });
  // Has no blocks on the disk.
  await truncate(at('in/huge.jpg'), 513 * 2 ** 20);
  await symlink('nowhere', at('in/broken-link.jpg'));
  await symlink('link-to-itself.jpg', at('in/link-to-itself.jpg'));
  await mkdir(at('in/folder.jpg'));
  await symlink('..', at('in/folder.jpg/up'));
});

describe.each(['webdataset', 'folder'] as const)('a %s of a folder with unusable images', (format) => {
  let ran: Ran;
  const out = (...names: string[]): string => at(`${format}-out`, ...names);
  const published = NAMES.filter((name) => EXPECTED[name] === 'published');

  beforeAll(async () => {
    ran = await anonymize([at('in'), '--out', out(), '--format', format, '--json', '--workers', '2']);
  });

  it('holds back each of them for its own reason, and publishes the rest', async () => {
    const [log] = await Promise.all([jsonLines(out('_anonymize/redactions/00000.jsonl'))]);
    const sources = await jsonLines(`${out()}.private/sources.jsonl`);
    const result = log.map((r, i) => [
      path.relative(at('in'), sources[i].source),
      r.status === 'verified' ? 'published' : `${r.stage}/${r.reason}`,
    ]);
    expect(Object.fromEntries(result)).toEqual(EXPECTED);
    expect(result.map(([name]) => name)).toEqual(NAMES);
  });

  it('exits with 1 and counts the reasons', () => {
    expect(ran.code).toBe(1);
    const reasons: Record<string, number> = {};
    for (const what of Object.values(EXPECTED)) if (what !== 'published') reasons[what] = (reasons[what] ?? 0) + 1;
    expect(JSON.parse(ran.stdout)).toMatchObject({
      total: NAMES.length,
      published: published.length,
      rejected: NAMES.length - published.length,
      reasons,
      dropped: { csv: 1, hidden: 1, 'repeated folder': 1 },
    });
  });

  it('publishes nothing of what was held back, and leaves no temporary file', async () => {
    const written = await filesIn(out());
    for (const file of written.keys()) expect(file).not.toMatch(/tmp|staging/);
    for (const name of NAMES.filter((n) => EXPECTED[n] !== 'published' && n !== 'huge.jpg')) {
      const source = await readFile(at('in', name)).catch(() => Buffer.alloc(0));
      const from = Math.floor(source.length / 2);
      const sample = source.subarray(from, from + 48);
      if (new Set(sample).size < 8) continue;
      for (const [file, bytes] of written) expect(bytes.includes(sample), `${name} in ${file}`).toBe(false);
    }
    for (const [file, bytes] of written) expect(bytes.includes('7q3x91'), file).toBe(false);
  });

  it('says in the private folder which file was held back and why', async () => {
    const rows = await jsonLines(`${out()}.private/quarantine.jsonl`);
    const expected = NAMES.filter((name) => EXPECTED[name] !== 'published');
    expect(rows.map((row) => path.relative(at('in'), row.source))).toEqual(expected);
    for (const row of rows) expect(row.message).toMatch(/^Expected /);
  });

  it('is found sound by verify', async () => {
    expect(await anonymize(['verify', out()])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`Sound: ${published.length} images, ${NAMES.length - published.length} not`),
    });
  });

  if (format === 'folder') {
    it('mirrors the names of what was published', async () => {
      const images = (await listing(out())).filter((file) => !file.startsWith('_anonymize/'));
      expect(images).toEqual(published);
      expect(await sharp(await readFile(out('sliver.png'))).metadata()).toMatchObject({ width: 1, height: 5000 });
    });
    return;
  }

  it('has a row in the table for every input image', async () => {
    const file = new Uint8Array(await readFile(out('00000.parquet'))).buffer;
    const rows = await parquetReadObjects({ file });
    expect(rows.map((row) => (row.status === 'success' ? 'published' : row.error_message))).toEqual(
      NAMES.map((name) => EXPECTED[name]?.split('/').at(-1)),
    );
    expect(await json(out('00000_stats.json'))).toMatchObject({
      count: NAMES.length,
      successes: published.length,
      quarantined: NAMES.length - published.length,
    });
    const members = await unpackTar(await readFile(out('00000.tar')));
    expect(members).toHaveLength(published.length * 2);
  });
});

it.skipIf(process.getuid?.() === 0 || process.platform === 'win32')(
  'holds back a file without permission',
  async () => {
    await write(at('locked'), { 'a.jpg': await photograph(1, 64) });
    await chmod(at('locked/a.jpg'), 0);
    const ran = await anonymize([at('locked'), '--out', at('locked-out'), '--json', '--preset', 'faces']);
    expect(ran.code).toBe(1);
    expect(JSON.parse(ran.stdout).reasons).toEqual({ 'read/unreadable': 1 });
  },
);
