import { cp, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { verifyOutput } from '../../src/outputs/verify.ts';
import { filesIn } from '../fixtures/ioHelpers.ts';
import { anonymize, json, jsonLines, listing, photograph, type Ran, sharedScratch, write } from './command.ts';

const root = await sharedScratch();
const at = (...names: string[]): string => path.join(root, ...names);
const FAST = ['--preset', 'faces', '--quality', 'fast', '--workers', '1', '--samples-per-shard', '2', '--quiet'];
const run = (...args: string[]): Promise<Ran> => anonymize(args, { cwd: root });

beforeAll(async () => {
  await write(root, {
    'in/anna/1.jpg': await photograph(1, 160),
    'in/anna/2.jpg': await photograph(2, 160),
    'in/bert/1.jpg': await photograph(3, 160),
    'in/bert/broken.jpg': 'no photograph',
    'in/cleo/3.jpg': await photograph(4, 160),
  });
});

/** Every byte of both folders, and all names. */
async function everything(out: string): Promise<string> {
  const parts: string[] = [];
  for (const folder of [out, `${out}.private`]) {
    for (const [file, bytes] of await filesIn(at(folder))) parts.push(file, bytes.toString('latin1'));
  }
  return parts.join('\n');
}

describe.each(['webdataset', 'folder'])('withdraw, %s', (format) => {
  const args = ['in', '--out', format, '--format', format, ...FAST];

  it('takes images out for good', async () => {
    expect(await run(...args)).toMatchObject({ code: 1 });
    for (const end of ['', '.private']) await cp(at(format + end), at(`${format}-killed${end}`), { recursive: true });
    expect(await run('report', format)).toMatchObject({ code: 0 });
    const before = await filesIn(at(format));
    const [, , { sha256 }] = await jsonLines(at(`${format}.private/sources.jsonl`));

    expect(await run('withdraw', format, '--source', 'cleo/3.jpg')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('Expected --yes'),
    });
    const ambiguous = await run('withdraw', format, '--source', '1.jpg', '--yes');
    expect(ambiguous).toMatchObject({ code: 2, stdout: '' });
    expect(ambiguous.stderr).toMatch(/for --source but 2 are called so \(000000000, 000000002\)/);
    const planned = await run('withdraw', format, '--source', 'bert/1.jpg', '--dry-run');
    expect(planned).toMatchObject({ code: 0, stderr: '' });
    expect(planned.stdout).toMatch(/^Would withdraw 1 sample in 1 shard:\n {2}000000002 {2}shard 00001 {2}published\n/);
    expect(await filesIn(at(format))).toEqual(before);

    await write(root, { 'requests.txt': 'bert/1.jpg\r\n\n000000004\nbroken.jpg\n' });
    const done = JSON.parse((await run('withdraw', format, '--from-file', 'requests.txt', '--yes', '--json')).stdout);
    expect(done).toMatchObject({ status: 'withdrawn', version: 2, shards: ['00001', '00002'] });
    expect(done.samples.map(({ key }: { key: string }) => key)).toEqual(['000000002', '000000003', '000000004']);

    const sound = await run('verify', format);
    expect(sound).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Sound: 2 images, 0 not published, 3 withdrawn/),
    });
    const text = await everything(format);
    for (const gone of [sha256, 'bert', 'broken', 'cleo']) expect(text).not.toContain(gone);
    expect(await listing(at(format))).not.toContain('_anonymize/report.html');
    expect(await jsonLines(at(format, '_anonymize/redactions/00001.jsonl'))).toEqual([
      { v: 1, key: '000000002', status: 'withdrawn' },
      { v: 1, key: '000000003', status: 'withdrawn' },
    ]);
    const untouched = [...before.keys()].filter((file) => /00000|anna/.test(file));
    const after = await filesIn(at(format));
    for (const file of untouched) expect(after.get(file), file).toEqual(before.get(file));
    const again = await run('withdraw', format, '--source', '000000002', '--yes');
    expect(again.stdout).toBe(`1 sample withdrawn before.\nNothing to withdraw from ${format}.\n`);
  });

  it.skipIf(process.platform === 'win32')('also when it is killed, and repeated', async () => {
    const out = `${format}-killed`;
    const command = ['withdraw', out, '--from-file', 'requests.txt', '--yes'];
    for (let kill = 0; kill < 3; kill++) {
      await anonymize(command, {
        cwd: root,
        started: async (child) => {
          while (child.exitCode === null && child.signalCode === null) {
            const lock = await readFile(at(out, '_anonymize/lock'), 'utf8').catch(() => '');
            if (lock.includes(`"pid":${child.pid},`)) break;
            await pause(1);
          }
          await pause(Math.random() * 40);
          child.kill('SIGKILL');
        },
      });
    }
    const last = await run(...command);
    // One that was over before it was killed leaves names that nobody knows any more.
    if (last.code !== 0) expect(last.stderr).toMatch(/names of the 3 withdrawn before are not known/);
    const told = (text: string): string => text.replace(/"(start_time|end_time|duration)": [\d.e-]+/g, '');
    expect(told(await everything(out))).toBe(told(await everything(format)));
  });

  it('for the same command, a retry and a replay, too', async () => {
    const before = await everything(format);
    for (const more of [[], ['--retry-failed']]) {
      const complete = await run(...args.slice(0, -1), ...more);
      expect(complete).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Complete already: 2 of 5/) });
      expect(complete.stdout).toContain('\n3 images withdrawn\n');
    }
    expect(await run(...args, '--overwrite')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no withdrawn images'),
    });
    expect(await everything(format)).toBe(before);
    const replayed = await run('replay', `${format}.private`, '--out', `${format}-again`, '--workers', '1');
    expect(replayed).toMatchObject({ code: 1, stdout: expect.stringMatching(/3 {2}withdrawn {2}read/) });
    expect(await run('verify', `${format}-again`)).toMatchObject({ code: 0 });
    const kept = [...(await filesIn(at(format)))].filter(([file]) => /^00000\.(tar|parquet)|^anna/.test(file));
    const again = await filesIn(at(`${format}-again`));
    for (const [file, bytes] of kept) expect(again.get(file), file).toEqual(bytes);
    expect(await run('replay', `${format}-again.private`, '--out', `${format}-thrice`, '--workers', '1')).toMatchObject(
      {
        code: 1,
        stdout: expect.stringMatching(/3 {2}withdrawn {2}read/),
      },
    );
  });
});

it('is held against the log and the history by verify', async () => {
  const [list, versions] = ['withdrawn.jsonl', 'versions.jsonl'].map((name) => at('webdataset/_anonymize', name)) as [
    string,
    string,
  ];
  const [tombstones, history] = [await readFile(list, 'utf8'), await readFile(versions, 'utf8')];
  await writeFile(list, tombstones.replace('000000002', '000000001'));
  await writeFile(versions, history.replace(/[0-9a-f]{64}"\}\n$/, `${'0'.repeat(64)}"}\n`));
  const { problems } = await verifyOutput(at('webdataset'));
  expect(problems).toEqual([
    expect.stringMatching(/withdrawn\.jsonl" unchanged/),
    'Expected 000000001 to be withdrawn but it is not in the log',
    'Expected 000000002 in withdrawn.jsonl but it is missing',
    'Expected the checksums of the last version in versions.jsonl but they differ',
  ]);
  await writeFile(list, `{"key":"000000002","version":2,"date":"2026-01-01","name":"bert"}\n`);
  await writeFile(versions, 'none\n');
  expect((await verifyOutput(at('webdataset'))).problems.slice(1)).toEqual([
    'Expected withdrawn.jsonl as this tool writes it but received another form',
    'Expected versions.jsonl as this tool writes it but received another form',
  ]);
  await writeFile(list, tombstones);
  await writeFile(versions, history);
  expect(await json(at('webdataset/_anonymize/run.json'))).toMatchObject({ published: 2, rejected: 0, withdrawn: 3 });
});

it.each<[string, string[], RegExp]>([
  [
    'a private folder of other settings',
    ['--private-dir', 'folder.private', '--source', '1.jpg', '--yes'],
    /belong to .*webdataset but .*folder\.private is of another run/,
  ],
  ['nothing that is named', ['--dry-run'], /Expected --source or --from-file/],
  ['an empty name', ['--source', '', '--yes'], /empty string/],
  [
    'a file that is not there',
    ['--from-file', 'nowhere.txt', '--yes'],
    /nowhere\.txt, which cannot be read \(ENOENT\)/,
  ],
  [
    'names that nothing has',
    ['--source', 'dora.jpg', '--source', 'x', '--yes'],
    /none for --source 1, --source 2; names of/,
  ],
])('is refused: %s', async (_, args, message) => {
  const ran = await run('withdraw', 'webdataset', ...args);
  expect(ran).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(message) });
  expect(ran.stderr).not.toContain('dora');
});
