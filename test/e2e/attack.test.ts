import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AttackReport } from '../../src/attack/report.ts';
import { anonymize, json, listing, photograph, type Ran, sharedScratch, write } from './command.ts';

const root = await sharedScratch();
const at = (...names: string[]): string => path.join(root, ...names);

/** Letters of five columns and seven rows. */
const LETTERS: Readonly<Record<string, readonly string[]>> = {
  H: ['#...#', '#...#', '#...#', '#####', '#...#', '#...#', '#...#'],
  O: ['.###.', '#...#', '#...#', '#...#', '#...#', '#...#', '.###.'],
  T: ['#####', '..#..', '..#..', '..#..', '..#..', '..#..', '..#..'],
  E: ['#####', '#....', '#....', '####.', '#....', '#....', '#####'],
  L: ['#....', '#....', '#....', '#....', '#....', '#....', '#####'],
};

/** A white sign that says HOTEL, its letters 42 pixels high. */
async function sign(): Promise<Buffer> {
  const [width, height, dot] = [320, 160, 6];
  const pixels = new Uint8Array(width * height).fill(235);
  for (const [i, letter] of [...'HOTEL'].entries()) {
    for (const [row, cells] of (LETTERS[letter] ?? []).entries()) {
      for (const [column, cell] of [...cells].entries()) {
        if (cell !== '#') continue;
        for (let y = 0; y < dot; y++) {
          const from = (59 + row * dot + y) * width + 62 + (i * 7 + column) * dot;
          pixels.fill(20, from, from + dot);
        }
      }
    }
  }
  return sharp(pixels, { raw: { width, height, channels: 1 } })
    .blur(1.2)
    .jpeg({ quality: 92 })
    .toBuffer();
}

/** Another photograph of the same people: mirrored, lighter and of another size. */
function again(photo: Buffer): Promise<Buffer> {
  return sharp(photo).resize(420).flop().modulate({ brightness: 1.15 }).jpeg({ quality: 92 }).toBuffer();
}

beforeAll(async () => {
  const people: Record<string, Buffer> = {};
  for (let k = 1; k <= 6; k++) {
    const photo = await photograph(k, 480);
    people[`people/p${k}/a.jpg`] = photo;
    people[`people/p${k}/b.jpg`] = await again(photo);
  }
  const grey = await sharp({ create: { width: 200, height: 100, channels: 3, background: 'grey' } })
    .jpeg()
    .toBuffer();
  const [first, second] = [people['people/p1/a.jpg'] as Buffer, people['people/p1/b.jpg'] as Buffer];
  await write(root, {
    ...people,
    'one/only/a.jpg': first,
    'one/only/b.jpg': second,
    'one/only/damaged.jpg': first.subarray(0, 9000),
    'grey/wall.jpg': grey,
    'flat/a.jpg': first,
    'flat/sign.jpg': await sign(),
    'other/c.jpg': first,
    'larger/a.jpg': await photograph(1, 500),
    'empty/notes.txt': 'no photographs',
    'said.json': JSON.stringify({ pairs: [{ a: 'a.jpg', b: 'nobody.jpg', same: true }] }),
    'wrong.json': JSON.stringify({
      pairs: [
        { a: 'a.jpg', b: 'sign.jpg', same: true },
        { a: 'a.jpg', b: 'sign.jpg', same: false },
      ],
    }),
    'list.json': '[]',
  });
});

describe('people in folders of their own, redacted with solid', () => {
  let ran: Ran;
  let report: AttackReport;

  beforeAll(async () => {
    const redact = ['people', '--out', 'clean', '--redact', 'solid', '--preset', 'faces', '--quality', 'fast'];
    expect((await anonymize(redact, { cwd: root })).code).toBe(0);
    const args = [
      'people',
      'clean',
      '--classes',
      'face',
      '--quality',
      'fast',
      '--json',
      'report.json',
      '--html',
      'page.html',
    ];
    ran = await anonymize(['attack', ...args], { cwd: root });
    report = await json(at('report.json'));
  });

  it('are recognised before and no longer after, in a WebDataset whose keys have no names', () => {
    // A busy machine takes so long that progress is told.
    expect([ran.stderr.replace(/^.* img\/s.*\n/gm, ''), ran.code]).toEqual(['', 0]);
    expect(report).toMatchObject({
      photographs: 12,
      people: { photographs: 12, people: 6, withMates: 6 },
      original: { verdict: 'above chance' },
      failed: [],
      withoutFace: [],
    });
    const [solid] = report.redactions;
    expect(solid).toMatchObject({
      name: 'solid',
      photographs: 12,
      missing: 0,
      untouchedFaces: 0,
      naive: { verdict: 'at chance' },
    });
    // Not at chance in every draw: of what surrounds a mask, JPEG's blocks carry up to 15 of 255 over its edge, and both
    // photographs of a person are the same one, mirrored.
    expect(solid?.parrot?.auc.value).toBeLessThan((report.original?.auc.value ?? 0) - 0.15);
    expect(report.original?.rank1.value).toBeGreaterThan(0.5);
    expect(solid?.source?.beyondImpostors.value).toBeGreaterThan(0.8);
    expect(solid?.source?.ownNearest.value).toBeLessThan(0.2);
    expect(solid?.images?.after.mean[0]).toBeLessThan(solid?.images?.before.mean[0] ?? 0);
  });

  it('are told in a table and on a page without photographs', async () => {
    expect(ran.stdout).toMatch(/^ +originals +0\.\d\d \(/m);
    expect(ran.stdout).toMatch(/^ +solid +naive .*at chance$/m);
    const page = await readFile(at('page.html'), 'utf8');
    expect(page).toContain('<svg class="chart"');
    expect(page).not.toMatch(/<img|<image|data:|<script/);
    expect((await stat(at('page.html'))).size).toBeLessThan(100_000);
  });
});

it('a sign is read before and not after, and nothing is written when modes are compared', async () => {
  const before = await listing(root);
  const args = ['flat', '--modes', 'none,solid', '--quality', 'fast', '--json', '-', '--workers', '1'];
  const { code, stdout } = await anonymize(['attack', ...args], { cwd: root });
  expect(code).toBe(0);
  const report: AttackReport = JSON.parse(stdout);
  expect(report).toMatchObject({
    noIdentification: 'it is not known who is on which photograph',
    original: null,
    withoutFace: ['sign.jpg'],
    redactions: [
      { name: 'none', legibility: { text: { recovered: { hits: 1 }, recoveredUntouched: 1 } }, naive: null },
      { name: 'solid', legibility: { text: { recovered: { hits: 0 }, untouched: 0, exact: 0 } }, parrot: null },
    ],
  });
  expect(await listing(root)).toEqual(before);
});

it('one person only, and a damaged photograph: told, counted, exit code 1', async () => {
  const args = ['one', '--modes', 'solid', '--classes', 'face', '--quality', 'fast'];
  const { code, stdout } = await anonymize(['attack', ...args], { cwd: root });
  expect(code).toBe(1);
  expect(stdout).toContain('People are not told apart: there is one person only.');
  expect(stdout).toMatch(/not measured: only\/damaged\.jpg \(decode: /);
});

it('no face at all: nothing to attack, and it says so', async () => {
  const { code, stdout } = await anonymize(['attack', 'grey', '--modes', 'solid', '--quality', 'fast'], { cwd: root });
  expect(code).toBe(0);
  expect(stdout).toContain('no face: wall.jpg');
  expect(stdout).toContain('0 found, 0 with a known string');
});

it('photographs of another size than the original are not compared', async () => {
  const { code, stdout } = await anonymize(['attack', 'flat', 'larger', '--quality', 'fast'], { cwd: root });
  expect(code).toBe(1);
  expect(stdout).toContain('a.jpg (decode: other-size)');
  expect(stdout).toContain('1 original without a redacted photograph');
});

describe('is refused with exit code 2', () => {
  it.concurrent.each<[string, string[], RegExp]>([
    [
      'a folder that does not exist',
      ['nowhere', '--modes', 'solid'],
      /folder of photographs .* nowhere, which does not/,
    ],
    ['a redacted folder that does not exist', ['flat', 'nowhere'], /redacted photographs .* nowhere, which does not/],
    ['a folder without photographs', ['empty', '--modes', 'solid'], /photographs below empty but found none/],
    ['names that do not match', ['flat', 'other'], /found none by their names/],
    ['neither output nor modes', ['flat'], /either <redacted> or --modes but received neither/],
    ['both output and modes', ['flat', 'other', '--modes', 'solid'], /received both/],
    ['an unknown mode', ['flat', '--modes', 'solyd'], /received solyd\. Did you mean solid\?/],
    ['no mode', ['flat', '--modes', ','], /for --modes but received none/],
    ['pairs of other photographs', ['flat', '--modes', 'solid', '--pairs', 'said.json'], /received nobody\.jpg/],
    ['pairs that contradict', ['flat', '--modes', 'solid', '--pairs', 'wrong.json'], /pairs that agree/],
    ['pairs of another form', ['flat', '--modes', 'solid', '--pairs', 'list.json'], /list\.json: expected identities/],
    ['missing pairs', ['flat', '--modes', 'solid', '--pairs', 'no.json'], /readable file for --pairs .* no\.json/],
    ['a page in a missing folder', ['flat', '--modes', 'solid', '--html', 'no/p.html'], /existing folder for --html/],
    ['half a photograph', ['flat', '--modes', 'solid', '--limit', '0.5'], /from 1 for --limit but received 0\.5/],
    ['an unknown class', ['flat', '--modes', 'solid', '--classes', 'fase'], /received fase\. Did you mean face\?/],
    [
      'a private folder without output',
      ['flat', '--modes', 'solid', '--private-dir', 'x'],
      /<redacted> with --private/,
    ],
  ])('%s', async (_, args, message) => {
    const { code, stdout, stderr } = await anonymize(['attack', ...args], { cwd: root });
    expect(stderr).toMatch(message);
    expect([code, stdout]).toEqual([2, '']);
  });
});
