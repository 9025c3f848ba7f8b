import { appendFile, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { armor, Decrypter, generateX25519Identity } from 'age-encryption';
import { beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { FOLDER_KEY } from '../../src/io/private-files.ts';
import {
  LineReader,
  placedPrivateLines,
  privateLines,
  readPrivateFile,
  writePrivateFile,
} from '../../src/io/private-lines.ts';
import { createSeal, openSeal, type Seal, sealFor } from '../../src/io/seal.ts';
import { readSecret, type Secret } from '../../src/io/secret.ts';
import { scratch } from '../fixtures/ioHelpers.ts';

let identity: string;
let secret: Secret;

beforeAll(async () => {
  identity = await generateX25519Identity();
  secret = { kind: 'identity', identity, from: 'a test' };
});

/** A folder with a new key. */
async function sealedFolder(): Promise<{ folder: string; seal: Seal }> {
  const folder = await scratch();
  const seal = await createSeal(secret);
  await writeFile(join(folder, FOLDER_KEY), seal.folderKey);
  return { folder, seal };
}

async function linesOf(folder: string, seal: Seal | undefined, name = 'sources.jsonl'): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of privateLines(folder, name, seal)) lines.push(line);
  return lines;
}

describe('readSecret', () => {
  it.each([
    ['a passphrase with its newline', 'p.txt', 'correct horse\n', 'correct horse'],
    ['one without', 'p.txt', ' Über alles ', ' Über alles '],
  ])('takes %s', async (_, name, content, passphrase) => {
    const file = join(await scratch(), name);
    await writeFile(file, content);
    expect(await readSecret({ privatePassphraseFile: file }, {})).toMatchObject({ kind: 'passphrase', passphrase });
    expect(await readSecret({}, { ANONYMIZE_PRIVATE_PASSPHRASE: content })).toMatchObject({ passphrase });
    expect(await readSecret({}, {})).toBeUndefined();
  });

  it('takes a key as age-keygen writes it, before what the environment says', async () => {
    const file = join(await scratch(), 'key.txt');
    await writeFile(file, `# created: 2026-01-01\n# public key: age1…\n${identity}\n`);
    const found = await readSecret({ privateKeyFile: file }, { ANONYMIZE_PRIVATE_PASSPHRASE: 'x' });
    expect(found).toMatchObject({ kind: 'identity', identity });
  });

  it.each([
    ['privatePassphraseFile', '', /a passphrase of one line in .* an empty one/],
    ['privatePassphraseFile', '\n', /an empty one/],
    ['privatePassphraseFile', 'one\ntwo\n', /several lines/],
    ['privatePassphraseFile', Buffer.from([0x70, 0xff]), /UTF-8 text for --private-passphrase-file .* \(.*UTF|INVALID/],
    ['privatePassphraseFile', undefined, /cannot be read \(ENOENT\)/],
    ['privateKeyFile', 'age1qqqqqq\n', /one key \(AGE-SECRET-KEY-1…, as age-keygen writes it\) in .* something else/],
    ['privateKeyFile', 'AGE-SECRET-KEY-1NOT\n', /something else/],
    ['privateKeyFile', '# nothing\n', /received 0 lines/],
    ['privateKeyFile', undefined, /cannot be read \(ENOENT\)/],
  ])('refuses %s of %j', async (option, content, message) => {
    const file = join(await scratch(), 'file');
    if (content !== undefined) await writeFile(file, content);
    const reading = readSecret({ [option]: file }, {});
    await expect(reading).rejects.toThrow(UsageError);
    await expect(reading).rejects.toThrow(message);
    await expect(reading).rejects.not.toThrow(/one\ntwo|age1qqqqqq|SECRET-KEY-1NOT/);
  });
});

describe('a seal', () => {
  it('opens with its secret only, and each file is one of age', async () => {
    const { folder, seal } = await sealedFolder();
    await writePrivateFile(folder, 'run.json', '{"v":1}\n', seal);
    const file = await readFile(join(folder, 'run.json.age'), 'utf8');
    expect(await readPrivateFile(folder, 'run.json', await openSeal(folder, secret))).toBe('{"v":1}\n');
    // By the format alone: the folder's key with the secret, then everything with that key.
    const decrypt = async (text: string, key: string): Promise<string> => {
      const decrypter = new Decrypter();
      decrypter.addIdentity(key);
      return decrypter.decrypt(armor.decode(text), 'text');
    };
    const key = await decrypt(await readFile(join(folder, FOLDER_KEY), 'utf8'), identity);
    expect(key).toMatch(/^AGE-SECRET-KEY-1/);
    expect(await decrypt(file, key)).toBe('{"v":1}\n');
    await expect(decrypt(file, identity)).rejects.toThrow();

    const other: Secret = { kind: 'identity', identity: await generateX25519Identity(), from: '--private-key-file k' };
    await expect(openSeal(folder, other)).rejects.toThrow(
      /Expected the key of --private-key-file k to open .* does not/,
    );
    const passphrase: Secret = { kind: 'passphrase', passphrase: 'guess', from: 'X' };
    await expect(openSeal(folder, passphrase)).rejects.toThrow(/Expected the passphrase of X to open/);
    await expect(openSeal(folder, undefined)).rejects.toThrow(/since .* is encrypted, but received none/);
    await writeFile(join(folder, FOLDER_KEY), seal.folderKey.replace(/[a-z]/, 'A'));
    await expect(openSeal(folder, secret)).rejects.toThrow(UsageError);
  });

  it('is new for a new folder, the same for one that is there, and never added to plain logs', async () => {
    const { folder, seal } = await sealedFolder();
    expect((await sealFor(folder, secret, true))?.folderKey).toBe(seal.folderKey);
    expect((await sealFor(folder, secret, false))?.folderKey).not.toBe(seal.folderKey);
    expect(await sealFor(folder, undefined, false)).toBeUndefined();
    const plain = await scratch();
    expect(await sealFor(plain, undefined, true)).toBeUndefined();
    await expect(sealFor(plain, secret, true)).rejects.toThrow(/of the earlier run is not encrypted/);
  });

  it('makes logs that grow by whole parts; a part that was cut off is left out', async () => {
    const { folder, seal } = await sealedFolder();
    const file = join(folder, 'sources.jsonl.age');
    const parts = await Promise.all(['{"a":1}\n{"a":2}\n', '{"b":"ü\\n"}\n', '{"c":3}\n'].map(seal.seal));
    await writeFile(file, parts.slice(0, 2).join(''));
    const whole = ['{"a":1}', '{"a":2}', '{"b":"ü\\n"}'];
    const last = parts[2] as string;
    for (const length of [0, 1, 20, 40, last.length - 40, last.length - 2, last.length - 1]) {
      await writeFile(file, parts.slice(0, 2).join(''));
      await appendFile(file, last.slice(0, length));
      expect(await linesOf(folder, seal), `${length} bytes`).toEqual(whole);
    }
    await writeFile(file, parts.join(''));
    expect(await linesOf(folder, seal)).toEqual([...whole, '{"c":3}']);
    expect(await linesOf(folder, seal, 'quarantine.jsonl')).toEqual([]);
    await expect(linesOf(folder, undefined)).rejects.toThrow(/is encrypted, but received none/);
  });

  it('tells of a part that was changed, or is of another key', async () => {
    const { folder, seal } = await sealedFolder();
    const file = join(folder, 'sources.jsonl.age');
    const part = await seal.seal('{"a":1}\n');
    const lines = part.split('\n');
    lines[4] = [...(lines[4] as string)].reverse().join('');
    for (const bad of [lines.join('\n'), await (await createSeal(secret)).seal('{"a":1}\n')]) {
      await writeFile(file, part + bad);
      await expect(linesOf(folder, seal)).rejects.toThrow(
        /as it was written but a part of it is damaged or of another/,
      );
    }
  });

  it('gives lines back by their places, in any order', async () => {
    const { folder, seal } = await sealedFolder();
    const plain = await scratch();
    const texts = ['{"a":"ü"}\n{"b":2}\n', '{"c":3}\n'];
    await writeFile(join(folder, 'x.age'), (await Promise.all(texts.map(seal.seal))).join(''));
    await writeFile(join(plain, 'x'), texts.join(''));
    for (const [where, used, path] of [
      [folder, seal, join(folder, 'x.age')],
      [plain, undefined, join(plain, 'x')],
    ] as const) {
      const found: Parameters<LineReader['read']>[0][] = [];
      for await (const { place } of placedPrivateLines(where, 'x', used)) found.push(place);
      const file = await open(path, 'r');
      const reader = new LineReader(path, file, used);
      const read: string[] = [];
      for (const place of [...found].reverse()) read.push(await reader.read(place));
      await file.close();
      expect(read).toEqual(['{"c":3}', '{"b":2}', '{"a":"ü"}']);
    }
  });
});
