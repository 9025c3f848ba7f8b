import { cp, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { findFfmpeg } from '../../src/video/tools.ts';
import { ground, writeClip } from '../video/moving-faces.ts';
import { anonymize, listing, type Ran, sharedScratch, write } from './command.ts';

const tools = await findFfmpeg().catch(() => undefined);
const NAME = 'CANARY-7c21ee';
const FACE = { class: 'face', x: 60, y: 20, w: 12, h: 16, track: 1 };
const PLATE = { class: 'plate', x: 16, y: 16, w: 32, h: 16, track: 5 };
const root = await sharedScratch();
const at = (...names: string[]): string => path.join(root, ...names);
const run = (...args: string[]): Promise<Ran> => anonymize(args, { cwd: root });
const page = (file: string): Promise<string> => readFile(at(file), 'utf8');
const captions = (html: string): string[] =>
  [...html.matchAll(/<\/a> · (frame \d+ · [^<]*)/g)].map(([, caption]) => caption as string);
const jpegs = (html: string): number => html.split('data:image/jpeg').length - 1;

describe.skipIf(tools === undefined)('report of clips', () => {
  beforeAll(async () => {
    const scene = (tint: number) => Array.from({ length: 20 }, (_, i) => ground(96, 64, i * 2, tint));
    await write(root, {
      [`in/${NAME}/note.txt`]: '',
      'boxes.jsonl': Array.from({ length: 40 }, (_, frame) => {
        const boxes = [FACE, ...(frame >= 5 && frame <= 12 ? [PLATE] : [])];
        return `${JSON.stringify({ file: `${NAME}/anna.mp4`, frame, boxes })}\n`;
      }).join(''),
    });
    writeClip(tools?.ffmpeg ?? '', at('in', NAME, 'anna.mp4'), [...scene(1), ...scene(3)]);
    await cp(at('in', NAME, 'anna.mp4'), at('in', NAME, 'bert.mp4'));
    const ran = await run('in', '--out', 'out', '--boxes', 'boxes.jsonl', '--workers', '1');
    expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining('1 clip has no entry') });
  }, 200_000);

  it('shows redacted frames before and after a track and at a cut, tells no name, and passes verify', async () => {
    expect(await run('report', 'out')).toEqual({ code: 0, stdout: 'out/_anonymize/report.html\n', stderr: '' });
    const html = await page('out/_anonymize/report.html');
    expect(html).not.toContain(NAME);
    expect(html).not.toContain('anna');
    expect(html).toContain('1 clip published, 40 frames, 1 not published');
    expect(html).toContain('detect: no-boxes');
    expect(captions(html)).toEqual(
      expect.arrayContaining([
        'frame 4 · plate 1 is covered from the next frame on',
        'frame 13 · plate 1 is covered no more',
        'frame 20 · a scene begins',
        'frame 5 · 25 % of the frame in boxes, the most',
      ]),
    );
    // The face begins and ends with the clip.
    expect(html).not.toContain('face 0 is covered');
    expect(html).toContain('href="../000000000.mp4#t=0.160"');
    expect(jpegs(html)).toBe(captions(html).length);
    expect(await run('verify', 'out')).toMatchObject({ code: 0 });
  });

  it('has as many pictures as asked for', async () => {
    for (const samples of [0, 3]) {
      expect(await run('report', 'out', '--samples', String(samples))).toMatchObject({ code: 0 });
      expect(jpegs(await page('out/_anonymize/report.html'))).toBe(samples);
    }
    expect(await run('report', 'out', '--samples', '1.5')).toMatchObject({ code: 2 });
  });

  it('gives lines that a replay takes', async () => {
    expect(await run('report', 'out')).toMatchObject({ code: 0 });
    const html = await page('out/_anonymize/report.html');
    const lines = [...html.matchAll(/<pre>(\{.*?\})<\/pre>/g)].map(([, line]) => (line ?? '').replaceAll('&#34;', '"'));
    const wanted = lines.filter((line) => /"action":"(add|remove)","class":"plate"/.test(line));
    const add = wanted.find((line) => line.includes('"from":4'));
    const remove = wanted.find((line) => line.includes('"remove"'));
    await writeFile(at('corrections.jsonl'), `${add}\n${remove}\n`);
    const ran = await run('replay', 'out.private', '--out', 'again', '--corrections', 'corrections.jsonl', '--json');
    expect(JSON.parse(ran.stdout)).toMatchObject({ review: { added: 1, removed: 1, problems: [] } });
  });

  it('tells names to who owns the private folder, in that folder', async () => {
    const ran = await run('report', 'out', '--private-dir', 'out.private');
    expect(ran).toEqual({ code: 0, stdout: 'out.private/report.html\n', stderr: '' });
    const html = await page('out.private/report.html');
    expect(html).toContain(`${NAME}/anna.mp4`);
    expect(html).toContain('no-boxes (Expected entries in --boxes but found none)');
    expect(html).toContain('href="../out/000000000.mp4#t=');
    expect((await stat(at('out.private/report.html'))).mode & 0o777).toBe(0o600);
    for (const [folder, why] of [
      ['again.private', 'is of another run'],
      ['in', 'is of another run, or of none'],
    ] as const) {
      const refused = await run('report', 'out', '--private-dir', folder);
      expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining(why) });
    }
  });

  it('goes with a clip that is withdrawn, as does the private one', async () => {
    expect(await run('withdraw', 'out', '--source', 'anna.mp4', '--yes')).toMatchObject({ code: 0 });
    expect(await listing(at('out'))).not.toContain('_anonymize/report.html');
    expect(await listing(at('out.private'))).not.toContain('report.html');
    expect(await run('report', 'out')).toMatchObject({ code: 0 });
    expect(await page('out/_anonymize/report.html')).toContain(
      '0 clips published, 0 frames, 1 not published, 1 withdrawn',
    );
  });

  it('writes no page into an encrypted folder', async () => {
    await write(root, { 'again.private/key.age': 'sealed' });
    expect(await run('report', 'again', '--private-dir', 'again.private')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Expected a private folder that is not encrypted'),
    });
    expect(await listing(at('again.private'))).not.toContain('report.html');
  });
});
