import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { filesIn } from '../fixtures/ioHelpers.ts';
import { anonymize, json, jsonLines, listing, photograph, type Ran, sharedScratch, write } from './command.ts';

const root = await sharedScratch();
const at = (...names: string[]): string => path.join(root, ...names);
const run = (...args: string[]): Promise<Ran> => anonymize(args, { cwd: root });
const FAST = ['--classes', 'face,body', '--quality', 'fast', '--workers', '1'];
const records = (out: string) => jsonLines(at(out, '_anonymize/redactions/00000.jsonl'));

async function published(out: string): Promise<Map<string, Buffer>> {
  const files = await filesIn(at(out));
  return new Map([...files].filter(([name]) => !/_stats\.json$|^_anonymize\/run\.json$/.test(name)));
}

beforeAll(async () => {
  const photo = await photograph(1, 240);
  const { width = 0, height = 0 } = await sharp(photo).metadata();
  const turned = await sharp(photo).withMetadata({ orientation: 6 }).jpeg().toBuffer();
  const voc = (w: number, h: number): string =>
    `<annotation><size><width>${w}</width><height>${h}</height></size><object><name>person</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>20</xmax><ymax>20</ymax></bndbox></object></annotation>`;
  await write(at('yolo'), {
    'classes.txt': 'person\nbook',
    'a.jpg': photo,
    'a.txt': '0 0.5 0.5 1 1\n1 0.01 0.01 0.02 0.02\n',
    'b.jpg': photo,
  });
  await write(at('voc'), {
    'stored.jpg': turned,
    'stored.xml': voc(width, height),
    'upright.jpg': turned,
    'upright.xml': voc(height, width),
  });
});

describe('labels beside images', () => {
  it('pass to a folder, are checked after redaction, and are told in coarse numbers', async () => {
    const args = ['yolo', '--out', 'out', '--labels', 'yolo', '--keep', 'labels', '--format', 'folder', ...FAST];
    const ran = await run(...args);
    expect(ran).toMatchObject({ code: 0, stderr: expect.stringContaining('Note: labels (--keep) will be PUBLISHED') });
    expect(ran.stdout).toMatch(/label +objects +lost over 20 %\n +book +1 +\d\n +person +1 +\d\n/);
    expect((await listing(at('out'))).filter((file) => !file.startsWith('_'))).toEqual([
      'a.jpg',
      'a.txt',
      'b.jpg',
      'b.txt',
    ]);
    expect(await readFile(at('out/a.txt'), 'utf8')).toBe('0 0.5 0.5 1 1\n1 0.01 0.01 0.02 0.02\n');
    expect(await json(at('out/_anonymize/run.json'))).toMatchObject({
      categories: { 0: 'person', 1: 'book' },
      labelLoss: {
        over: 0.2,
        categories: [
          { category: 'book', objects: 1 },
          { category: 'person', objects: 1 },
        ],
      },
    });
    expect(await run('verify', 'out')).toMatchObject({ code: 0 });
    expect(await run('report', 'out')).toMatchObject({ code: 0 });
    expect(await readFile(at('out/_anonymize/report.html'), 'utf8')).toContain('Labelled objects');
    expect((await run(...args)).stdout).toMatch(/Complete already.*person +1 +\d\n/s);
  });

  it('protect objects from all but faces, in a replay, too', async () => {
    const args = ['yolo', '--labels', 'yolo', ...FAST];
    expect(await run(...args, '--out', 'plain')).toMatchObject({ code: 0 });
    const ran = await run(...args, '--out', 'safe', '--protect-labels', 'person');
    expect(ran).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('NOT redacted, in objects that labels protect'),
      stderr: expect.stringContaining('In labelled objects of person (--protect-labels) ONLY FACES will be redacted'),
    });
    const [before] = await records('plain');
    const [after, other] = await records('safe');
    expect(before.counts.body).toBeGreaterThan(0);
    expect(after).toMatchObject({ counts: { face: before.counts.face, body: 0 }, protected: before.counts.body });
    expect(other).toMatchObject({ counts: before.counts, protected: 0 });
    expect(await run('replay', 'safe.private', '--out', 'again')).toMatchObject({ code: 0 });
    expect(await published('again')).toEqual(await published('safe'));
    expect(await run('verify', 'safe')).toMatchObject({ code: 0 });
  });

  it('are of the upright image: others are held back', async () => {
    expect(await run('voc', '--out', 'turned', '--labels', 'auto', '--keep', 'labels', ...FAST)).toMatchObject({
      code: 1,
    });
    expect(await json(at('turned/_anonymize/run.json'))).toMatchObject({ labels: 'voc' });
    expect(await records('turned')).toMatchObject([{ reason: 'labels-not-upright' }, { status: 'verified' }]);
  });

  it('are refused where they make no sense', async () => {
    await writeFile(at('x.jpg'), '');
    for (const [args, message] of [
      [['--keep', 'labels'], /Expected --labels yolo, voc, coco or masks with --keep labels but received none/],
      [['--protect-labels', 'dog'], /with --protect-labels/],
      [['--labels', 'coco'], /found none/],
    ] as const) {
      expect(await run('yolo', '--out', 'never', ...args)).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(message),
      });
    }
  });
});
