import { createHmac } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { generateX25519Identity } from 'age-encryption';
import { beforeAll, describe, expect, it } from 'vitest';
import { readPrivateFile } from '../../src/io/private-lines.ts';
import { openSeal } from '../../src/io/seal.ts';
import { readSecret } from '../../src/io/secret.ts';
import { findFfmpeg } from '../../src/video/tools.ts';
import { filesIn } from '../fixtures/ioHelpers.ts';
import { ground, writeClip } from '../video/moving-faces.ts';
import { anonymize, jsonLines, listing, type Ran, sharedScratch, write } from './command.ts';

const tools = await findFfmpeg().catch(() => undefined);
const root = await sharedScratch();
const at = (...names: string[]): string => path.join(root, ...names);
const run = (...args: string[]): Promise<Ran> => anonymize(args, { cwd: root });
const argsFor = (out: string): string[] => ['in', '--out', out, '--boxes', 'boxes.jsonl', '--workers', '1'];
const part = (index: number, count = 2): string[] => ['--shard-index', `${index}`, '--shard-count', `${count}`];

/** The output and its private folder. */
async function results(out: string): Promise<Map<string, string>> {
  const all = new Map<string, string>();
  for (const folder of [out, `${out}.private`]) {
    for (const [file, bytes] of await filesIn(at(folder)))
      all.set(folder === out ? file : `private/${file}`, bytes.toString('latin1'));
  }
  return all;
}

/** Without a detector: quick, and exactly what is given. */
describe.skipIf(tools === undefined)('clips in parts', () => {
  beforeAll(async () => {
    const plate = { class: 'plate', x: 8, y: 16, w: 32, h: 12 };
    const boxes = ['anna', 'bert'].map((name) => ({ file: `${name}.mp4`, from: 0, to: 5, boxes: [plate] }));
    await write(root, {
      'in/note.txt': '',
      'key.txt': `${await generateX25519Identity()}\n`,
      'boxes.jsonl': boxes.map((line) => `${JSON.stringify(line)}\n`).join(''),
    });
    for (const [i, name] of ['anna', 'bert', 'cleo'].entries()) {
      const frames = Array.from({ length: 6 }, (_, frame) => ground(96, 64, frame * 4, 1 + i));
      writeClip(tools?.ffmpeg ?? '', at('in', `${name}.mp4`), frames);
    }
    expect(await run(...argsFor('whole'))).toMatchObject({ code: 1 });
  }, 200_000);

  it('are each in one part, also at once, and say that the run is not finalized', async () => {
    const second = await run(...argsFor('out'), ...part(1));
    expect(second).toMatchObject({ code: 1, stdout: expect.stringMatching(/^Part 1 of 2: 1 of 2 clips anonymized/) });
    expect(second.stdout).toContain('\nWhen all 2 parts are done: anonymize finalize out\n');
    expect(await listing(at('out'))).toEqual([
      '000000001.mp4',
      '_anonymize/parts/1-of-2/run.json',
      '_anonymize/redactions/000000001.jsonl',
      '_anonymize/redactions/000000002.jsonl',
    ]);
    for (const [args, why] of [
      [['finalize', 'out'], 'part 0 is missing'],
      [['verify', 'out'], 'is not finalized'],
      [['report', 'out'], 'is not finalized'],
      [['replay', 'out.private', '--out', 'never'], 'is not finalized'],
      [['forget', 'out.private', '--yes'], 'is not finalized'],
      [[...argsFor('out'), ...part(0, 3)], 'Expected --shard-count 2'],
      [[...argsFor('out'), ...part(0), '--redact', 'solid'], 'redact.face: blur → solid'],
      [argsFor('out'), 'Expected no parts of a run'],
    ] as const) {
      expect(await run(...args)).toMatchObject({ code: 2, stderr: expect.stringContaining(why) });
    }
    const again = [run(...argsFor('out'), ...part(0)), run(...argsFor('out'), ...part(1))];
    const [first, kept] = (await Promise.all(again)) as [Ran, Ran];
    expect(first).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Part 0 of 2: 1 of 1 clip anonymized/) });
    expect(kept).toMatchObject({ code: 1, stdout: expect.stringContaining('Complete already') });
  });

  it('end with the bytes of one process', async () => {
    const video = await readFile(at('out/000000000.mp4'));
    await writeFile(at('out/000000000.mp4'), video.subarray(1));
    expect(await run('finalize', 'out')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('every clip of part 0 in'),
    });
    await writeFile(at('out/000000000.mp4'), video);
    const done = await run('finalize', 'out');
    expect(done).toMatchObject({ code: 1, stderr: '' });
    expect(done.stdout).toMatch(
      /^Finalized out: 2 parts, 3 clips read again, 2 of 3 clips published\.\n\n1 not published/,
    );
    expect(await results('out')).toEqual(await results('whole'));
    expect(await run('verify', 'out')).toMatchObject({ code: 0 });
    expect((await run('finalize', 'out')).stdout).toMatch(/^Finished already: 2 of 3 clips published/);
    expect((await run(...argsFor('out'))).stdout).toMatch(/^Complete already: 2 of 3 clips/);
    expect(await run(...argsFor('out'), ...part(1))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('nothing is left to do in a part'),
    });
  });

  it('share the key of an encrypted folder and of source ids', async () => {
    const secret = ['--private-key-file', 'key.txt'];
    await rm(at('in/cleo.mp4'));
    for (const index of [0, 1]) {
      const ran = await run(...argsFor('sealed'), ...part(index), ...secret, '--source-ids');
      expect(ran).toMatchObject({ code: 0 });
    }
    expect(await run('finalize', 'sealed')).toMatchObject({ code: 2, stderr: expect.stringContaining('is encrypted') });
    expect(await run('finalize', 'sealed', ...secret)).toMatchObject({ code: 0 });
    const seal = await openSeal(at('sealed.private'), await readSecret({ privateKeyFile: at('key.txt') }));
    const key = (await readPrivateFile(at('sealed.private'), 'source-ids.key', seal))?.trim() ?? '';
    for (const [i, name] of ['anna', 'bert'].entries()) {
      const hmac = createHmac('sha256', Buffer.from(key, 'hex')).update(await readFile(at('in', `${name}.mp4`)));
      const [record] = await jsonLines(at(`sealed/_anonymize/redactions/00000000${i}.jsonl`));
      expect(record.source_id).toBe(hmac.digest('hex'));
    }
    for (const file of await listing(at('sealed.private'))) {
      const text = await readFile(at('sealed.private', file), 'utf8');
      expect(text.startsWith('-----BEGIN AGE ENCRYPTED FILE-----'), file).toBe(true);
    }
    expect(await run('replay', 'sealed.private', '--out', 'again', ...secret)).toMatchObject({ code: 0 });
  });
});
