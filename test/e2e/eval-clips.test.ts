import { readFile, truncate } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ClipEvaluationReport } from '../../src/eval/clips/report.ts';
import { findFfmpeg } from '../../src/video/tools.ts';
import { type FacesFrame, movingFaces, writeClip } from '../video/moving-faces.ts';
import { anonymize, json, sharedScratch, write } from './command.ts';

const tools = await findFfmpeg().catch(() => undefined);
const scratch = await sharedScratch();
const at = (...names: string[]): string => path.join(scratch, ...names);

const SCENE = 16;
const OPTIONS = ['--classes', 'face', '--quality', 'fast', '--workers', '1'];

/** Labels of the faces as they were drawn, moved to the right by `right` pixels. */
function labels(frames: readonly FacesFrame[], right = 0): string {
  const lines = frames.map(({ faces }, frame) => ({
    frame,
    boxes: faces.map(({ x1, y1, x2, y2 }, i) => ({
      class: 'face',
      id: `${Math.floor(frame / SCENE)}-${i}`,
      box: [x1 + right, y1, x2 - x1, y2 - y1],
    })),
  }));
  return lines.map((line) => JSON.stringify(line)).join('\n');
}

describe.skipIf(tools === undefined)('eval of labelled clips', () => {
  beforeAll(async () => {
    const frames = await movingFaces(SCENE);
    await write(at('set'), { 'right.jsonl': labels(frames), 'wrong.jsonl': labels(frames, 120) });
    for (const name of ['right.mp4', 'wrong.mp4', 'alone.mp4', 'cut.mp4']) {
      writeClip(
        tools?.ffmpeg ?? '',
        at('set', name),
        frames.map(({ rgb }) => rgb),
      );
    }
    await truncate(at('set', 'cut.mp4'), 9000);
    await write(scratch, {
      'set/cut/gt/gt.txt': '1,1,10,10,40,50,1,1,1\n',
      'beyond/a.jsonl': '{"frame":700,"boxes":[]}\n{"frame":1,"boxes":[{"class":"face","box":[1,1,9,9]}]}',
      'beyond/a.mp4': await readFile(at('set', 'right.mp4')),
      'broken/a.jsonl': '{"frame":1,"boxes":[{"class":"face","box":[1,1,-9,9]}]}',
      'broken/a.mp4': await readFile(at('set', 'right.mp4')),
    });
  }, 120_000);

  it('tells labels that are covered from wrong ones, clip by clip, and what could not be measured', async () => {
    const ran = await anonymize(['eval', '--data', at('set'), ...OPTIONS, '--map', '1=face', '--json', at('a.json')]);
    expect(ran.code).toBe(1);
    const report: ClipEvaluationReport = await json(at('a.json'));
    expect(report).toMatchObject({
      kind: 'clips',
      clips: 2,
      frames: 6 * SCENE,
      formats: ['frames', 'mot'],
      unlabelled: ['alone.mp4'],
      failed: [{ image: 'cut.mp4', stage: 'decode' }],
    });
    const [face] = report.classes;
    const shares = Object.fromEntries(face?.bySource.map(({ name, cover90 }) => [name, cover90.value]) ?? []);
    expect(shares['right.mp4']).toBe(1);
    expect(shares['wrong.mp4']).toBeLessThan(0.5);
    expect(face?.runs.every(({ clip }) => clip === 'wrong.mp4')).toBe(true);
    expect(face?.longestRun).toBeGreaterThan(4);
    expect(ran.stdout).toContain('2 clips, 96 frames of which 96 are labelled');
    expect(ran.stdout).toMatch(/longest run uncovered: \d+ frames/);
    expect(ran.stdout).toContain('without labels: alone.mp4');
    expect(ran.stdout).toMatch(/not measured: +cut\.mp4/);
  }, 300_000);

  it.each([
    [
      'a frame that the clip does not have',
      'beyond',
      [],
      /a\.jsonl: expected labels of the 48 frames of a\.mp4 but received frame 700/,
    ],
    ['a damaged label', 'broken', [], /a\.jsonl:1: boxes\.0: expected a box with a positive width and height/],
    [
      'a class that is not labelled',
      'set/right.mp4',
      ['--classes', 'plate'],
      /Expected a class that is labelled in .* \(face\)/,
    ],
    ['a page', 'set/right.mp4', ['--html', at('page.html')], /Expected no --html with labelled clips/],
  ])('is refused for %s, with nothing measured', async (_, data, options, message) => {
    const { stderr, stdout, code } = await anonymize(['eval', '--data', at(data), ...OPTIONS, ...options]);
    expect(stderr).toMatch(message);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });
});
