import { createHash } from 'node:crypto';
import { appendFile, cp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { verifyOutput } from '../../src/outputs/verify.ts';
import { plantCanaries } from '../fixtures/images.ts';
import { filesIn } from '../fixtures/ioHelpers.ts';
import { anonymize, photograph, sharedScratch, write } from './command.ts';

const root = await sharedScratch();
const at = (...names: string[]): string => path.join(root, ...names);

describe('anonymize verify', () => {
  beforeAll(async () => {
    const numbers = [1, 2, 3, 4, 5];
    const photos = await Promise.all(numbers.map(async (n) => [`${n}.jpg`, await photograph(n, 320)]));
    await write(at('photos'), Object.fromEntries(photos));
    const options = ['--preset', 'faces', '--quiet'];
    await anonymize([at('photos'), '--out', at('clean'), '--samples-per-shard', '2', ...options]);
    await anonymize([at('photos/1.jpg'), '--out', at('tree'), '--format', 'folder', ...options]);
    expect(await verifyOutput(at('tree'))).toMatchObject({ images: 1, problems: [] });
  });

  it('finds a fresh output sound, also with a report in it', async () => {
    expect(await anonymize(['verify', at('clean')])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Sound: 5 images, 0 not published/),
    });
    expect(await anonymize(['report', at('clean')])).toMatchObject({ code: 0 });
    expect(await anonymize(['verify', at('clean'), '--json'])).toMatchObject({ code: 0 });
  });

  const flip = (file: string, offset: (bytes: Buffer) => number) => async (out: string) => {
    const bytes = await readFile(path.join(out, file));
    const index = offset(bytes);
    bytes[index] = (bytes[index] as number) ^ 1;
    await writeFile(path.join(out, file), bytes);
  };
  const edit = (file: string, from: string | RegExp, to: string) => async (out: string) => {
    const text = await readFile(path.join(out, file), 'latin1');
    expect(text).toMatch(from);
    await writeFile(path.join(out, file), text.replace(from, to), 'latin1');
  };
  const log = '_anonymize/redactions/00000.jsonl';

  it.each<[string, (out: string) => Promise<unknown>, RegExp]>([
    [
      'a byte of an image in a shard',
      flip('00000.tar', (b) => b.indexOf('JFIF') + 2000),
      /00000\.tar.*SHA-256 differs/,
    ],
    ['a byte of a tar header', flip('00000.tar', () => 3), /00000\.tar: Expected a whole tar archive/],
    [
      'a cut shard',
      async (out) =>
        writeFile(path.join(out, '00001.tar'), (await readFile(path.join(out, '00001.tar'))).subarray(0, 5000)),
      /00001\.tar: Expected a whole tar archive/,
    ],
    ['bytes after a shard', (out) => appendFile(path.join(out, '00001.tar'), 'more'), /00001\.tar.*SHA-256 differs/],
    ['a foreign file', (out) => write(out, { 'notes.txt': 'x' }), /only files of this tool but found "notes\.txt"/],
    ['a foreign file among the logs', (out) => write(out, { '_anonymize/x': '' }), /found "_anonymize\/x"/],
    ['a missing shard', (out) => rm(path.join(out, '00002.tar')), /"00002\.tar" but it is missing/],
    ['a field too many in a record', edit(log, '"v":1,', '"v":1,"name":"Anna",'), /00000\.jsonl:1: name/],
    ['a changed record', edit(log, /"face":\d+/, '"face":0'), /000000000\.json to equal its line in the redaction log/],
    ['a record that is no JSON', edit(log, /^\{/, '['), /00000\.jsonl:1/],
    ['a changed count', edit('00000_stats.json', '"successes": 2', '"successes": 1'), /00000_stats\.json to agree/],
    ['impossible times', edit('00000_stats.json', /"end_time": \d+/, '"end_time": 1'), /00000_stats\.json to agree/],
    ['a missing summary', (out) => rm(path.join(out, '00001_stats.json')), /a readable 00001_stats\.json/],
    [
      'a summary of no shard',
      (out) => cp(path.join(out, '00000_stats.json'), path.join(out, '7_stats.json')),
      /"7_stats/,
    ],
    ['an unfinished run', edit('_anonymize/run.json', '"finished"', '"running"'), /its status is running/],
    ['no checksums', (out) => rm(path.join(out, '_anonymize/SHA256SUMS')), /SHA256SUMS but it is missing/],
  ])('finds %s', async (_, tamper, problem) => {
    const out = at('tampered');
    await rm(out, { recursive: true, force: true });
    await cp(at('clean'), out, { recursive: true });
    await tamper(out);
    const { problems } = await verifyOutput(out);
    expect(problems.join('\n')).toMatch(problem);
  });

  it.each<[string, (out: string) => Promise<unknown>, RegExp]>([
    ['bytes after an image', (out) => appendFile(path.join(out, '1.jpg'), 'more'), /Image 000000000 has 4 bytes after/],
    [
      'metadata in an image',
      async (out) => writeFile(path.join(out, '1.jpg'), plantCanaries(await photograph(1, 64)).bytes),
      /Image 000000000 carries .*APP1/,
    ],
    [
      'another image',
      async (out) => writeFile(path.join(out, '1.jpg'), await photograph(1, 64)),
      /image 000000000 as recorded/,
    ],
    ['an image without record', (out) => cp(path.join(out, '1.jpg'), path.join(out, '2.jpg')), /record for "2\.jpg"/],
    ['no image at all', (out) => writeFile(path.join(out, '1.jpg'), 'text'), /image 000000000 to be readable/],
  ])('finds %s even when the checksums were mended', async (_, tamper, problem) => {
    const out = at('mended');
    await rm(out, { recursive: true, force: true });
    await cp(at('tree'), out, { recursive: true });
    await tamper(out);
    const sums: string[] = [];
    for (const [file, bytes] of await filesIn(out)) {
      if (/run\.json|SHA256SUMS/.test(file)) continue;
      sums.push(`${createHash('sha256').update(bytes).digest('hex')}  ${file}\n`);
    }
    await writeFile(path.join(out, '_anonymize/SHA256SUMS'), sums.join(''));
    expect((await verifyOutput(out)).problems.join('\n')).toMatch(problem);
  });

  it('tells on standard output and by its exit code', async () => {
    await cp(at('clean'), at('bare'), { recursive: true });
    await rm(at('bare/_anonymize/SHA256SUMS'));
    const { code, stdout, stderr } = await anonymize(['verify', at('bare')]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(stdout).toMatch(/SHA256SUMS but it is missing\n1 problem in 5 images, 0 not published, \d+ files\n$/);
  });
});
