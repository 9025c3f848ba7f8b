import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { packTar, type TarHeader } from 'modern-tar';
import { expect, it } from 'vitest';
import { readBody, skipBody, type TarEntry, tarEntries, tarEntriesOf } from '../../src/io/tar-archive.ts';
import { scratch, tarOf } from '../fixtures/ioHelpers.ts';

interface Seen {
  readonly entries: unknown[];
  readonly error?: string;
}

async function seen(entries: AsyncIterable<TarEntry>): Promise<Seen> {
  const all: unknown[] = [];
  try {
    for await (const entry of entries) {
      const { name, size, type, mode, uid, gid, mtime } = entry.header;
      const at = all.push({ name, size, type, mode, uid, gid, mtime: mtime?.getTime() });
      all[at - 1] = { ...(all[at - 1] as object), body: Buffer.from(await readBody(entry)).toString('hex') };
    }
    return { entries: all };
  } catch (error) {
    return { entries: all, error: (error as Error).message };
  }
}

/** The same archive as the library alone sees it. */
function seenByLibrary(archive: Uint8Array): Promise<Seen> {
  const chunks = [archive];
  return seen(tarEntriesOf({ read: async () => chunks.pop() }));
}

const header = fc.record<Partial<TarHeader> & { name: string }>(
  {
    name: fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom('a.jpg', 'b/c.jpg', 'é.png', 'old/', 'x'.repeat(100)) },
      fc.constantFrom('y'.repeat(101), `${'d'.repeat(90)}/${'z'.repeat(60)}`, `${'日本'.repeat(60)}.jpg`),
    ),
    type: fc.oneof(
      { weight: 6, arbitrary: fc.constant('file' as const) },
      fc.constantFrom('directory' as const, 'symlink' as const, 'gnu-long-name' as const, 'pax-global-header' as const),
    ),
    mode: fc.constantFrom(0, 0o444, 0o777),
    uid: fc.constantFrom(0, 1000, 3_000_000),
    mtime: fc.constant(new Date(1_600_000_000_000)),
    pax: fc.constantFrom<Record<string, string>[]>(
      {},
      { mtime: '1.5' },
      { path: 'p.jpg' },
      { size: '3' },
      { comment: '' },
    ),
  },
  { requiredKeys: ['name', 'mtime'] },
);

const change = fc.record({
  at: fc.nat(),
  bit: fc.nat(7),
  what: fc.constantFrom('flip' as const, 'flip and fix' as const, 'cut' as const, 'repeat' as const),
});

/** Blocks whose checksum holds are headers. */
function fixChecksum(block: Buffer): void {
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
}

function changed(archive: Buffer, { at, bit, what }: { at: number; bit: number; what: string }): Buffer {
  const place = at % Math.max(1, archive.length);
  const block = place - (place % 512);
  if (what === 'cut') return archive.subarray(0, place);
  if (what === 'repeat') return Buffer.concat([archive.subarray(0, block + 512), archive.subarray(block)]);
  const copy = Buffer.from(archive);
  copy[place] = (copy[place] ?? 0) ^ (1 << bit);
  if (what === 'flip and fix' && archive.subarray(block + 257, block + 262).toString() === 'ustar') {
    fixChecksum(copy.subarray(block, block + 512));
  }
  return copy;
}

it('sees in a file what the library sees, damaged or not', async () => {
  const path = join(await scratch(), 'x.tar');
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ header, body: fc.uint8Array({ maxLength: 1100 }) }), { maxLength: 5 }),
      fc.array(change, { maxLength: 2 }),
      async (members, changes) => {
        const packed = await packTar(
          members.map(({ header: { type = 'file', ...rest }, body }) => {
            const bytes = type === 'directory' || type === 'symlink' ? new Uint8Array() : body;
            return { header: { type, ...rest, size: bytes.length }, body: bytes };
          }),
        );
        const archive = changes.reduce(changed, Buffer.from(packed));
        await writeFile(path, archive);
        const expected = await seenByLibrary(archive);
        const read: Uint8Array[] = [];
        const found = await seen(tarEntries(path, (chunk) => void read.push(chunk)));
        expect(found.error).toBe(expected.error);
        if (expected.error === undefined) {
          expect(found.entries).toEqual(expected.entries);
          expect(Buffer.concat(read).equals(archive)).toBe(true);
        }
      },
    ),
    { numRuns: 300 },
  );
});

it('passes over bodies of any length, and reads what lies across its chunks', async () => {
  const path = join(await scratch(), 'x.tar');
  const length = 2 ** 20;
  const bodies = [length - 512, length - 1100, 0, 3 * length + 1, 5];
  await writeFile(path, await tarOf(bodies.map((size, i) => [`${i}.jpg`, String(i).repeat(size)])));
  for (const isRead of [() => true, () => false, (i: number) => i % 2 === 0]) {
    const sizes: number[] = [];
    for await (const entry of tarEntries(path)) {
      const i = sizes.push(entry.header.size) - 1;
      if (!isRead(i)) await skipBody(entry);
      else
        expect(new Set(await readBody(entry))).toEqual(
          new Set(Buffer.from(String(i).repeat(Math.min(1, entry.header.size)))),
        );
    }
    expect(sizes).toEqual(bodies);
  }
});
