import { createHmac } from 'node:crypto';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { generateX25519Identity } from 'age-encryption';
import { beforeAll, describe, expect, it } from 'vitest';
import { readPrivateFile } from '../../src/io/private-lines.ts';
import { openSeal } from '../../src/io/seal.ts';
import { readSecret } from '../../src/io/secret.ts';
import { findFfmpeg } from '../../src/video/tools.ts';
import { placesOf } from '../fixtures/canary-search.ts';
import { filesIn } from '../fixtures/ioHelpers.ts';
import { ground, writeClip } from '../video/moving-faces.ts';
import { anonymize, json, jsonLines, listing, type Ran, sharedScratch, watched, write } from './command.ts';

const tools = await findFfmpeg().catch(() => undefined);
const NAME = 'CANARY-9d03aa';
const FRAMES = 12;

const root = await sharedScratch();
const at = (...names: string[]): string => path.join(root, ...names);
const run = (...args: string[]): Promise<Ran> => anonymize(args, { cwd: root });
const sums = (): Promise<string> => readFile(at('out/_anonymize/SHA256SUMS'), 'utf8');
const GIVEN = ['in', '--out', 'out', '--frames', 'every:4', '--boxes', 'boxes.jsonl', '--corrections', 'said.jsonl'];
const SHAPE = ['--source-ids', '--workers', '1', '--log-geometry', 'full', '--samples-per-shard', '2'];
const SECRET = ['--private-key-file', 'key.txt'];
const ARGS = [...GIVEN, ...SHAPE, ...SECRET];
let seen: Map<string, Buffer>;

async function records() {
  const logs = (await listing(at('out'))).filter((file) => file.startsWith('_anonymize/redactions/'));
  return (await Promise.all(logs.map((log) => jsonLines(at('out', log))))).flat();
}

/** Without a detector: quick, and exactly what is given. */
describe.skipIf(tools === undefined)('frames of clips with given boxes, corrections, source ids and a key', () => {
  beforeAll(async () => {
    const frames = Array.from({ length: FRAMES }, (_, i) => ground(96, 64, i * 4, 1));
    const plate = { class: 'plate', x: 8, y: 16, w: 32, h: 12, track: 5 };
    const said = { action: 'remove', class: 'plate', frame: 0, at: [20, 20], from: 4, to: 4 };
    await write(root, {
      [`in/${NAME}/note.txt`]: '',
      'key.txt': `${await generateX25519Identity()}\n`,
      'boxes.jsonl': `${JSON.stringify({ file: `${NAME}/anna.mp4`, from: 0, to: FRAMES - 1, boxes: [plate] })}\n`,
      'said.jsonl': `${JSON.stringify({ file: `${NAME}/anna.mp4`, ...said })}\n`,
    });
    for (const name of ['anna', 'bert']) writeClip(tools?.ffmpeg ?? '', at('in', NAME, `${name}.mp4`), frames);
    const first = await watched(root, run(...ARGS, '--json'));
    ({ seen } = first);
    expect(first.result.stderr).toContain('1 clip has no entry in --boxes and will not be published');
    expect(first.result.code).toBe(1);
    expect(JSON.parse(first.result.stdout)).toMatchObject({
      ...{ frames: 3, rejected: 1, review: { removed: 1, added: 0, changed: 0, problems: [] } },
    });
  }, 200_000);

  it('are redacted where somebody says, and tell whose they are only to who has the key', async () => {
    const seal = await openSeal(at('out.private'), await readSecret({ privateKeyFile: at('key.txt') }));
    const key = (await readPrivateFile(at('out.private'), 'source-ids.key', seal))?.trim() ?? '';
    const source = await readFile(at('in', NAME, 'anna.mp4'));
    const source_id = createHmac('sha256', Buffer.from(key, 'hex')).update(source).digest('hex');
    const plate = { track: 0, class: 'plate', box: [8, 16, 32, 12], origin: 'given' };
    expect(await records()).toMatchObject([
      { key: '000000000_000000000', regions: [plate], source_id },
      { key: '000000000_000000004', regions: [], source_id },
      { key: '000000000_000000008', regions: [plate], source_id },
      { key: '000000001', status: 'quarantined', reason: 'no-boxes' },
    ]);
    expect(await run('verify', 'out')).toMatchObject({ code: 0 });
    expect(await json(at('out/_anonymize/run.json'))).toMatchObject({ review: { removed: 1 }, detections: 'given' });
  });

  it('leave nothing readable in the private folder, not even meanwhile, but redacted pictures', async () => {
    const folder = at('out.private');
    for (const file of await listing(folder)) {
      expect((await stat(path.join(folder, file))).mode & 0o777, file).toBe(0o600);
      const text = await readFile(path.join(folder, file), 'utf8');
      expect(text === '' || text.startsWith('-----BEGIN AGE ENCRYPTED FILE-----'), file).toBe(true);
    }
    const own = [...seen].filter(([name]) => /^out(\.private)?\//.test(name));
    expect(own.some(([name]) => name.includes('frames-00000.images'))).toBe(true);
    for (const canary of [NAME, '"polygon"', '"score"']) expect(placesOf(new Map(own), canary)).toEqual([]);
    expect(placesOf(await filesIn(at('out')), NAME)).toEqual([]);
  });

  it('go on with the same key, boxes and corrections, to the same bytes, and with no others', async () => {
    const before = await sums();
    expect(await run(...ARGS)).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('Complete already: 3 frames'),
    });
    await rm(at('out/00000_stats.json'));
    const again = await run(...ARGS);
    expect(again).toMatchObject({ code: 1, stdout: expect.stringContaining('1 track removed by review') });
    expect(again.stdout).toContain('3 frames of 1 of 2 clips');
    expect(await sums()).toBe(before);
    await writeFile(at('none.jsonl'), '');
    for (const [args, why] of [
      [[...GIVEN, ...SHAPE], 'is encrypted'],
      [[...ARGS, '--corrections', 'none.jsonl'], 'corrections: '],
      [[...ARGS, '--seed', '3'], 'seed: 0 → 3'],
      [['replay', 'out.private', '--out', 'never', ...SECRET], 'of frames of clips'],
    ] as const) {
      expect(await run(...args)).toMatchObject({ code: 2, stderr: expect.stringContaining(why) });
    }
    expect(await sums()).toBe(before);
  });
});
