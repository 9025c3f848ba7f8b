import { describe, expect, it, vi } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import type { ByteSource } from '../../src/io/tar-archive.ts';
import { readTarStream, type StreamedSample } from '../../src/io/tar-stream.ts';
import { tarOf } from '../fixtures/ioHelpers.ts';

/** Hands out an archive in pieces, as a pipe does. */
function piped(bytes: Uint8Array, piece = 1000): ByteSource & { given: number } {
  const source = {
    given: 0,
    async read() {
      if (source.given >= bytes.length) return undefined;
      const chunk = bytes.subarray(source.given, source.given + piece);
      source.given += chunk.length;
      return chunk;
    },
  };
  return source;
}

async function collect(bytes: Uint8Array, piece?: number) {
  const { samples, dropped } = readTarStream(piped(bytes, piece));
  const found: StreamedSample[] = [];
  let error: unknown;
  try {
    for await (const sample of samples) found.push(sample);
  } catch (reason) {
    error = reason;
  }
  const told = found.map(({ images, cls }) => [images.map(({ member }) => member).join(' '), cls]);
  return { found, told, dropped: Object.fromEntries(dropped), error };
}

const TWO = [
  ['a.cls', '3'],
  ['a.jpg', 'first'],
  ['b.jpg', 'second'],
  ['b.cls', '4\n'],
] as const;

describe('readTarStream', () => {
  it.each([1, 511, 512, 4096])('gathers adjacent members of a key, in pieces of %i bytes', async (piece) => {
    const tar = await tarOf([
      ['d/', '', { type: 'directory' }],
      ['notes', 'x'],
      ...TWO,
      ['c.left.png', 'left'],
      ['c.right.png', 'right'],
      ['c.txt', 'a caption'],
      ['lonely.cls', '1'],
      ['.hidden.jpg', 'x'],
      ['e.jpg', 'last'],
      ['e.cls', 'a dog'],
    ]);
    const { told, dropped, error, found } = await collect(tar, piece);
    expect(error).toBeUndefined();
    expect(told).toEqual([
      ['a.jpg', '3'],
      ['b.jpg', '4'],
      ['c.left.png c.right.png', undefined],
      ['e.jpg', undefined],
    ]);
    expect(dropped).toEqual({ none: 1, txt: 1, cls: 1, hidden: 1 });
    expect(found.map(({ clsMembers }) => clsMembers)).toEqual([1, 1, 0, 1]);
    const [image] = found[1]?.images ?? [];
    expect(image?.ref.kind === 'bytes' && Buffer.from(image.ref.bytes).toString()).toBe('second');
  });

  it.each([
    ['cut in a header', (tar: Uint8Array) => tar.subarray(0, 512 * 4 + 100)],
    ['cut in an image', (tar: Uint8Array) => tar.subarray(0, 512 * 5 + 3)],
    ['cut behind a member', (tar: Uint8Array) => tar.subarray(0, 512 * 6)],
    ['without an end mark', (tar: Uint8Array) => tar.subarray(0, 512 * 8)],
    ['with half an end mark', (tar: Uint8Array) => tar.subarray(0, 512 * 9)],
    ['followed by something else', (tar: Uint8Array) => Buffer.concat([tar, Buffer.from('x')])],
    ['with a flipped bit in a header', (tar: Uint8Array) => Buffer.from(tar).fill(0x41, 512 * 4, 512 * 4 + 1)],
    ['of nothing', () => new Uint8Array(0)],
    ['of zeros that are too few', () => new Uint8Array(512)],
    ['of noise', () => Buffer.alloc(2000, 'noise')],
  ])('refuses an archive %s and gives no sample that was not whole', async (_, damage) => {
    const { told, error } = await collect(damage(await tarOf(TWO)));
    expect(error).toBeInstanceOf(UsageError);
    expect((error as Error).message).toMatch(/^Expected a whole tar archive on standard input but received: /);
    // Entries that the decoder has read ahead may go with it.
    expect([[], [['a.jpg', '3']]]).toContainEqual(told);
  });

  it.each([
    ['../a.jpg', /relative member names but received ".." in the name of member 5 of standard input/],
    ['/etc/a.jpg', /an absolute path in the name of member 5 of standard input/],
    ['b.jpg', /each member name once but received member 5 of standard input/],
  ])('refuses %s without repeating the name', async (name, message) => {
    const { told, error } = await collect(await tarOf([...TWO, [name, 'x']]));
    expect(error).toBeInstanceOf(UsageError);
    expect((error as Error).message).toMatch(message);
    expect(told).toEqual([['a.jpg', '3']]);
  });

  it('refuses a sample without an end, whose members would fill the memory', async () => {
    const many = Array.from({ length: 1001 }, (_, i): [string, string] => [`a.${i}.txt`, '']);
    expect((await collect(await tarOf(many.slice(1)))).error).toBeUndefined();
    const { error } = await collect(await tarOf(many));
    expect((error as Error).message).toMatch(/at most 1000 members in a sample/);
  });

  it('reads no further than a sample and what is buffered ahead', async () => {
    const tar = await tarOf(Array.from({ length: 200 }, (_, i) => [`${i}.jpg`, 'x'.repeat(100_000)] as const));
    const source = piped(tar, 65_536);
    const { samples } = readTarStream(source);
    await samples.next();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(tar.length).toBeGreaterThan(20_000_000);
    expect(source.given).toBeLessThan(3_000_000);
    await samples.return(undefined);
  });

  it('ends with the reason of a signal, also when no byte comes', async () => {
    const stop = new AbortController();
    const cancel = vi.fn();
    const silent: ByteSource = { read: () => new Promise(() => {}), cancel };
    const next = readTarStream(silent, stop.signal).samples.next();
    const reason = new Error('enough');
    stop.abort(reason);
    await expect(next).rejects.toBe(reason);
    expect(cancel).toHaveBeenCalledOnce();
  });
});
