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

/** Modes of a log, and how often that of a track changes, by frames of tracks. */
function changesIn([, ...rows]: readonly { readonly regions?: Shown[] }[]): { modes: Set<string>; share: number } {
  const before = new Map<number, string>();
  const modes = new Set<string>();
  let [changes, shown] = [0, 0];
  for (const { track, mode, requested } of rows.flatMap(({ regions = [] }) => regions)) {
    shown++;
    modes.add(mode);
    expect(mode === 'synthetic' || (mode === 'blur' && requested === 'synthetic')).toBe(true);
    if ((before.get(track) ?? mode) !== mode) changes++;
    before.set(track, mode);
  }
  return { modes, share: changes / shown };
}

describe.skipIf(tools === undefined)('synthetic faces in a clip', () => {
  beforeAll(async () => {
    const empty = Array.from({ length: EMPTY }, () => ground(WIDTH, HEIGHT, 0, 3));
    const scenes = (await movingFaces(SCENE)).map(({ rgb }) => rgb);
    writeClip(tools?.ffmpeg ?? '', at('a.mp4'), [...empty, ...scenes]);
    expect((await anonymize(argsFor('one', 1))).code).toBe(0);
  }, 300_000);

  it('are replaced or blurred for long stretches, across segments', async () => {
    const { modes, share } = changesIn(await jsonLines(at('one', '_anonymize/redactions/000000000.jsonl')));
    expect(modes).toEqual(new Set(['synthetic', 'blur']));
    expect(share).toBeLessThan(0.03);
  });

  it('are replaced or blurred for long stretches in a single pass, too', async () => {
    expect((await anonymize([...argsFor('once', 1), '--single-pass'])).code).toBe(0);
    const { modes, share } = changesIn(await jsonLines(at('once', '_anonymize/redactions/000000000.jsonl')));
    expect(modes).toEqual(new Set(['synthetic', 'blur']));
    expect(share).toBeLessThan(0.03);
  }, 300_000);

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
