import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import type { EvaluationReport } from '../../src/eval/report.ts';
import { anonymize, built, json, listing, photograph, type Ran, sharedScratch, write } from './command.ts';

const root = await sharedScratch();
const at = (...names: string[]): string => path.join(root, ...names);

/** The three faces of the first photograph at 640 pixels, by hand. */
const FACES = [
  { x: 137, y: 115, w: 70, h: 87, attrs: { paint: 'yes' } },
  { x: 277, y: 140, w: 70, h: 78, attrs: { paint: 'yes' } },
  { x: 485, y: 66, w: 80, h: 86, attrs: { paint: 'no' } },
];
/** A dark wall. */
const NO_FACE = { x: 250, y: 20, w: 40, h: 50, attrs: { paint: '<b>unknown</b>' } };

beforeAll(async () => {
  const people = await photograph(1, 640);
  const grey = await sharp({ create: { width: 200, height: 100, channels: 3, background: 'grey' } })
    .jpeg()
    .toBuffer();
  const annotations = (images: object[]): string => JSON.stringify({ images });
  await write(root, {
    'set/faces/annotations.json': annotations([
      { file: 'people.jpg', source: 'sample', boxes: [...FACES, NO_FACE] },
      { file: 'grey.jpg', source: 'plain', boxes: [] },
      { file: 'damaged.jpg', source: 'sample', boxes: FACES },
    ]),
    'set/faces/people.jpg': people,
    'set/faces/grey.jpg': grey,
    'set/faces/damaged.jpg': people.subarray(0, 20_000),
    'sound/faces/annotations.json': annotations([{ file: 'people.jpg', boxes: FACES }]),
    'sound/faces/people.jpg': people,
    'elsewhere/annotations.json': JSON.stringify({ images: [], annotations: [], categories: [] }),
    'empty/notes.txt': 'no labels',
    'animals/annotations.json': JSON.stringify({
      images: [{ id: 1, file_name: 'people.jpg' }],
      annotations: [{ image_id: 1, category_id: 1, bbox: [1, 1, 9, 9] }],
      categories: [{ id: 1, name: 'zebra' }],
    }),
    'animals/people.jpg': people,
  });
});

describe('a labelled folder', () => {
  let ran: Ran;
  let report: EvaluationReport;

  beforeAll(async () => {
    ran = await anonymize(['eval', '--data', 'set', '--workers', '2', '--json', 'report.json', '--html', 'page.html'], {
      cwd: root,
    });
    report = await json(at('report.json'));
  });

  it('is measured, with the damaged photograph counted and left out', () => {
    expect(ran.code).toBe(1);
    expect(report).toMatchObject({ images: 2, formats: ['native'], device: ['cpu'] });
    expect(report.failed).toMatchObject([{ image: 'faces/damaged.jpg', stage: 'decode' }]);
    expect(report.megapixels).toBeCloseTo((640 * 427 + 200 * 100) / 2e6);
    expect(report.classes.map((c) => c.class)).toEqual(['face']);
  });

  it('tells the faces that are covered from the one that is none', () => {
    const [face] = report.classes;
    expect(face).toMatchObject({
      labelledImages: 2,
      objects: 4,
      images: 1,
      cover90: { hits: 3, n: 4, value: 0.75 },
      recall: { hits: 3, n: 4 },
      misses: [{ image: 'faces/people.jpg', class: 'face', box: [250, 20, 290, 70], coverage: 0, height: 50 }],
    });
    expect(face?.unlabelled).toBeGreaterThan(0);
    expect(face?.unlabelled).toBeLessThan(0.15);
    expect(face?.background).toBeLessThan(0.02);
    expect(face?.bySource.map((s) => [s.name, s.objects, s.unlabelled === 0])).toEqual([
      ['plain', 0, true],
      ['sample', 4, false],
    ]);
    expect(face?.byAttribute[0]?.groups.map((g) => [g.name, g.cover90.hits, g.cover90.n])).toEqual([
      ['yes', 2, 2],
      ['<b>unknown</b>', 0, 1],
      ['no', 1, 1],
    ]);
    expect(face?.byAttribute[0]?.gap).toEqual({ verdict: 'too few to conclude' });
    const operating = face?.curve.find((point) => point.operating);
    expect(operating).toMatchObject({ threshold: face?.threshold, cover90: 0.75, background: face?.background });
  });

  it('times every stage', () => {
    const stages = Object.keys(report.msPerImage);
    expect(stages[0]).toBe('decode');
    expect(stages.length).toBeGreaterThan(1);
    for (const ms of Object.values(report.msPerImage)) expect(ms).toBeGreaterThan(0);
  });

  it('is told as a table', () => {
    expect(ran.stdout).toContain('2 photographs of 0.1 megapixels');
    expect(ran.stdout).toMatch(/not measured:\s+faces\/damaged\.jpg\s+decode: /);
    expect(ran.stdout).toMatch(/^face {2}cover90 0\.75 \(0\.\d\d–0\.\d\d\) {2}mean 0\.\d\d/m);
    expect(ran.stdout).toMatch(/^ +32–96 px +4 +0\.75 /m);
    expect(ran.stdout).toContain('paint: too few to conclude');
    expect(ran.stderr).toContain('page.html contains unredacted photographs: not for publication');
  });

  it('is shown on a page that only its owner can read', async () => {
    const page = await readFile(at('page.html'), 'utf8');
    expect((await stat(at('page.html'))).mode & 0o777).toBe(0o600);
    expect(page).toContain('Contains unredacted photographs: not for publication.');
    expect(page).not.toContain('<b>unknown');
    expect(page).toContain('data:image/jpeg;base64,');
  });
});

it('prints nothing but JSON on request, the same as the library gives', async () => {
  const args = [
    'eval',
    '--data',
    'sound',
    '--json',
    '-',
    '--classes',
    'face',
    '--workers',
    '1',
    '--limit',
    '1',
    '--threshold',
    'face=0.3',
  ];
  const { code, stdout } = await anonymize(args, { cwd: root });
  expect(code).toBe(0);
  const printed = JSON.parse(stdout);
  expect(printed.classes[0]).toMatchObject({ threshold: 0.3, objects: 3, cover90: { value: 1 } });
  const { evaluate } = await built<typeof import('../../src/index.ts')>('index.js');
  const { report } = await evaluate({
    data: at('sound'),
    workers: 1,
    limit: 1,
    classes: ['face'],
    threshold: { face: 0.3 },
  });
  expect(report.classes).toEqual(printed.classes);
});

it('covers more of the background with growth, and finds no more', async () => {
  const measured = async (growth: number): Promise<EvaluationReport['classes'][number]> => {
    const args = ['eval', '--data', 'sound', '--classes', 'face', '--json', '-', '--grow', `face=${growth}`];
    return JSON.parse((await anonymize(args, { cwd: root })).stdout).classes[0];
  };
  const [tight, wide] = [await measured(0), await measured(0.5)];
  expect(wide.unlabelled).toBeGreaterThan(2 * (tight.unlabelled ?? Infinity));
  expect(wide.background).toBeGreaterThan(0);
  expect(wide.recall).toEqual(tight.recall);
});

describe('is refused with exit code 2', () => {
  it.concurrent.each<[string, string[], RegExp]>([
    ['a folder that does not exist', ['--data', 'nowhere'], /nowhere/],
    ['labels of other things', ['--data', 'animals'], /faces, bodies, plates or text .* zebra/],
    [
      'a class without labels',
      ['--data', 'sound', '--classes', 'plate'],
      /labelled in sound \(face\) .* received plate/,
    ],
    ['an unknown class', ['--data', 'sound', '--classes', 'fase'], /received fase\. Did you mean face\?/],
    ['half a photograph', ['--data', 'sound', '--limit', '1.5'], /from 1 for --limit but received 1\.5/],
    ['a limit that is no number', ['--data', 'sound', '--limit', 'ten'], /Expected a number but received "ten"/],
    ['an unknown option', ['--data', 'sound', '--treshold', 'face=1'], /unknown option '--treshold'/],
    [
      'a threshold of another class',
      ['--data', 'sound', '--classes', 'face', '--threshold', 'text=0.2'],
      /received text/,
    ],
    ['a mapping to no class', ['--data', 'animals', '--map', 'zebra=plates'], /--map zebra but received plates\. Did/],
    ['a mapping of a name that does not occur', ['--data', 'sound', '--map', 'zebra=body'], /zebra/],
    ['a missing folder of photographs', ['--data', 'sound', '--images', 'nowhere'], /folder for --images .* nowhere/],
    ['a page in a folder that is missing', ['--data', 'sound', '--html', 'no/page.html'], /existing folder for --html/],
    ['a report that is a folder', ['--data', 'sound', '--json', 'empty'], /a file for --json .* the folder empty/],
    ['an unknown model', ['--data', 'sound', '--model', 'face=nope'], /--model face.*nope/],
    ['more arguments', ['sound', '--data', 'sound'], /too many arguments/],
  ])('%s', async (_, args, message) => {
    const { code, stdout, stderr } = await anonymize(['eval', ...args], { cwd: root });
    expect(stderr).toMatch(message);
    expect([code, stdout]).toEqual([2, '']);
    expect(await listing(at('empty'))).toEqual(['notes.txt']);
  });
});
