import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readOriginals } from '../../src/attack/files/originals.ts';
import { openRedacted } from '../../src/attack/files/redactions.ts';
import type { RedactedPhotograph, Redaction } from '../../src/attack/photograph.ts';
import { UsageError } from '../../src/errors.ts';

let root = '';
const at = (...names: string[]): string => path.join(root, ...names);

/** Nothing here is decoded. */
async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(at(name)), { recursive: true });
    await writeFile(at(name), text);
  }
}

async function read(redaction: Redaction, names: readonly string[]): Promise<RedactedPhotograph[]> {
  const originals = names.map((name) => ({ file: at(name), name, strings: [] }));
  const all: RedactedPhotograph[] = [];
  for await (const photograph of redaction.read(originals)) all.push(photograph);
  return all;
}

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'anonymize-originals-'));
  await write({
    'people/ann/1.jpg': '',
    'people/ann/2.png': '',
    'people/bob/deep/1.jpg': '',
    'people/.hidden/1.jpg': '',
    'people/stray.jpg': '',
    'people/readme.txt': '',
    'labelled/annotations.json': JSON.stringify({
      images: [
        {
          file: 'images/a.jpg',
          boxes: [
            { x: 1, y: 2, w: 3, h: 4, text: 'EXIT' },
            { x: 0, y: 0, w: 1, h: 1 },
          ],
        },
      ],
    }),
    'labelled/images/a.jpg': '',
    'labelled/images/b.jpg': '',
    'broken/annotations.json': '{"images": [{"file": 1}]}',
    'broken/a.jpg': '',
    'identities.json': JSON.stringify({ identities: [['1.jpg', 'stray.jpg'], ['ann/2.png']] }),
    'named.json': JSON.stringify({ identities: [['ann/1.jpg', 'stray.jpg'], ['deep/1.jpg']] }),
    'twice.json': JSON.stringify({ identities: [['ann/1.jpg'], ['ann/1.jpg']] }),
    'pairs.json': JSON.stringify({ pairs: [{ a: 'x/2.png', b: 'stray.jpg', same: true }] }),
    'clean/ann/1.webp': 'one',
    'clean/ann/2.png': 'two',
    'clean/ann/2.jpg': 'other',
  });
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe('who is on which photograph', () => {
  it('the first sub-folder names the person', async () => {
    const { photographs, identities } = await readOriginals(at('people'));
    expect(photographs.map((p) => p.name)).toEqual(['ann/1.jpg', 'ann/2.png', 'bob/deep/1.jpg', 'stray.jpg']);
    expect(identities.people).toEqual([0, 0, 1, undefined]);
  });

  it('beside labels it names nobody, and what text says is known', async () => {
    for (const folder of ['labelled', 'labelled/images']) {
      const { photographs, identities } = await readOriginals(at(folder));
      expect(identities.people).toEqual([undefined, undefined]);
      expect(photographs.map((p) => p.strings)).toEqual([[{ text: 'EXIT', box: { x1: 1, y1: 2, x2: 4, y2: 6 } }], []]);
    }
  });

  it('a pairs file may leave out folders where names tell which file it is', async () => {
    const { identities } = await readOriginals(at('people'), { pairs: at('pairs.json') });
    expect([identities.relation(1, 3), identities.relation(0, 1)]).toEqual(['same', 'unknown']);
  });

  it('a limit spreads over the set, and pairs may then name what was left out', async () => {
    const { photographs, identities } = await readOriginals(at('people'), { pairs: at('pairs.json'), limit: 2 });
    expect(photographs.map((p) => p.name)).toEqual(['ann/1.jpg', 'bob/deep/1.jpg']);
    expect(identities.people).toEqual([undefined, undefined]);
  });

  it.each([
    ['an ambiguous name', 'people', 'identities.json', /received 1\.jpg, which is not there/],
    ['a name that is only the end of a path', 'people', 'named.json', /received deep\/1\.jpg/],
    ['a photograph of two people', 'people', 'twice.json', /one in two identities/],
    ['labels of another form', 'broken', undefined, /annotations\.json: expected labels: images\.0\.file/],
  ])('%s is refused', async (_, folder, pairs, message) => {
    const reading = readOriginals(at(folder), pairs === undefined ? {} : { pairs: at(pairs) });
    await expect(reading).rejects.toThrow(UsageError);
    await expect(reading).rejects.toThrow(message);
  });
});

describe('a folder of redacted photographs', () => {
  it('is matched by relative names, whatever the extension, but the whole name first', async () => {
    const { photographs } = await readOriginals(at('people'));
    const redaction = await openRedacted(at('clean'), photographs);
    const found = await read(
      redaction,
      photographs.map((p) => p.name),
    );
    expect(redaction.name).toBe('clean');
    expect(found.map((f) => f.bytes?.toString())).toEqual(['one', 'two', undefined, undefined]);
  });

  it('without any of the originals is refused', async () => {
    const { photographs } = await readOriginals(at('labelled'));
    await expect(openRedacted(at('clean'), photographs)).rejects.toThrow(/found none by their names/);
  });
});
