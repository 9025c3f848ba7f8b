import type { ChildProcess } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { findFfmpeg } from '../../src/video/tools.ts';
import { ground, HEIGHT, movingFaces, WIDTH, writeClip } from '../video/moving-faces.ts';
import { anonymize, jsonLines, listing, sharedScratch } from './command.ts';

const tools = await findFfmpeg().catch(() => undefined);
const scratch = await sharedScratch();
const at = (...names: string[]): string => path.join(scratch, ...names);

/** Frames without anybody, which cost little, then of each of three scenes: a segment ends in the second one. */
const EMPTY = 92;
const SCENE = 18;
const argsFor = (out: string, workers: number): string[] => [
  ...[at('a.mp4'), '--out', at(out), '--preset', 'faces', '--quality', 'fast', '--redact', 'face=synthetic'],
  ...['--workers', String(workers)],
];
const sums = (folder: string): Promise<string> => readFile(at(folder, '_anonymize/SHA256SUMS'), 'utf8');

interface Shown {
  readonly track: number;
  readonly mode: string;
  readonly requested?: string;
}

describe.skipIf(tools === undefined)('synthetic faces in a clip', () => {
  beforeAll(async () => {
    const empty = Array.from({ length: EMPTY }, () => ground(WIDTH, HEIGHT, 0, 3));
    const scenes = (await movingFaces(SCENE)).map(({ rgb }) => rgb);
    writeClip(tools?.ffmpeg ?? '', at('a.mp4'), [...empty, ...scenes]);
    expect((await anonymize(argsFor('one', 1))).code).toBe(0);
  }, 300_000);

  it('are replaced or blurred for long stretches, across segments', async () => {
    const [, ...rows] = await jsonLines(at('one', '_anonymize/redactions/000000000.jsonl'));
    const before = new Map<number, { readonly mode: string; readonly since: number }>();
    let changes = 0;
    let shown = 0;
    const modes = new Set<string>();
    for (const [frame, { regions }] of rows.entries()) {
      for (const { track, mode, requested } of regions as Shown[]) {
        shown++;
        modes.add(mode);
        expect(mode === 'synthetic' || (mode === 'blur' && requested === 'synthetic')).toBe(true);
        const last = before.get(track);
        if (last?.mode === mode) continue;
        if (last) changes++;
        before.set(track, { mode, since: frame });
      }
    }
    expect(modes).toEqual(new Set(['synthetic', 'blur']));
    expect((100 * changes) / shown).toBeLessThan(3);
  });

  it('are the same in a replay', async () => {
    expect((await anonymize(['replay', at('one.private'), '--out', at('again')])).code).toBe(0);
    const clipOf = (out: string) => readFile(at(out, '000000000.mp4'));
    expect((await clipOf('again')).equals(await clipOf('one'))).toBe(true);
  }, 300_000);

  it('are drawn and blurred in the same frames when these become images', async () => {
    expect((await anonymize([...argsFor('frames', 2), '--frames', 'every:40'])).code).toBe(0);
    const looksIn = (rows: readonly { regions?: Shown[] }[]) =>
      rows.map(({ regions = [] }) => regions.map(({ track, mode }) => `${track} ${mode}`));
    const [, ...rows] = await jsonLines(at('one', '_anonymize/redactions/000000000.jsonl'));
    const images = await jsonLines(at('frames', '_anonymize/redactions/00000.jsonl'));
    expect(looksIn(images)).toEqual(looksIn(rows.filter((_, frame) => frame % 40 === 0)));
    expect(images).toHaveLength(4);
  }, 300_000);

  it('are the same after a kill of two workers, once one of them goes on', async () => {
    const work = at('killed.private', 'clips', '000000000');
    await anonymize(argsFor('killed', 2), {
      started: (child: ChildProcess) => {
        const timer = setInterval(async () => {
          if ((await readdir(work).catch((): string[] => [])).includes('segment-00001.jsonl')) child.kill('SIGKILL');
        }, 20);
        child.on('exit', () => clearInterval(timer));
      },
    });
    expect(await listing(work)).toContain('segment-00001.mkv');
    expect((await anonymize(argsFor('killed', 1))).code).toBe(0);
    expect(await sums('killed')).toBe(await sums('one'));
  }, 300_000);

  it('leave no pose behind', async () => {
    for (const file of await listing(at('one.private'))) {
      expect(await readFile(at('one.private', file), 'utf8'), file).not.toMatch(/followed-face|expression|landmarks/);
    }
  });
});
