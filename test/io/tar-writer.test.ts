import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OutputError } from '../../src/errors.ts';
import { sha256 } from '../../src/io/atomic.ts';
import { TarWriter } from '../../src/io/tar-writer.ts';
import { scratch } from '../fixtures/ioHelpers.ts';

/** POSIX.1-1988 (USTAR) header, written out field by field. */
function ustarHeader(name: string, size: number): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0); // name, 100
  header.write('0000444\0', 100); // mode, 8
  header.write('0000000\0', 108); // uid, 8
  header.write('0000000\0', 116); // gid, 8
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124); // size, 12
  header.write('00000000000\0', 136); // mtime, 12
  header.write('        ', 148); // checksum, 8, blank while it is computed
  header.write('0', 156); // typeflag: regular file
  header.write('ustar\0', 257); // magic; then version, uname 32, gname 32, devices, prefix
  header.write('00', 263);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

function padded(body: Uint8Array): Buffer {
  return Buffer.concat([body, Buffer.alloc(-body.length & 511)]);
}

async function write(path: string, members: readonly (readonly [string, Uint8Array])[]): Promise<TarWriter> {
  const writer = await TarWriter.create(path);
  for (const [name, bytes] of members) await writer.add(name, bytes);
  await writer.close();
  return writer;
}

const MEMBERS = [
  ['000000000.jpg', Buffer.alloc(700, 0xff)],
  ['000000000.json', Buffer.from('{"v":1}')],
  ['000000001.jpg', Buffer.alloc(512, 0x11)],
  ['000000001.json', Buffer.alloc(0)],
] as const;

describe('TarWriter', () => {
  it('writes exactly USTAR headers, bodies, padding and the end marker', async () => {
    const path = join(await scratch(), 'x.tar');
    const writer = await write(path, MEMBERS);
    const expected = Buffer.concat([
      ...MEMBERS.flatMap(([name, bytes]) => [ustarHeader(name, bytes.length), padded(bytes)]),
      Buffer.alloc(1024),
    ]);
    const archive = await readFile(path);
    expect(archive.equals(expected)).toBe(true);
    expect(await writer.verify()).toBe(sha256(archive));
  });

  it('writes an archive without members', async () => {
    const path = join(await scratch(), 'x.tar');
    const writer = await write(path, []);
    expect((await readFile(path)).equals(Buffer.alloc(1024))).toBe(true);
    await writer.verify();
  });

  it('takes a body larger than its buffers', async () => {
    const path = join(await scratch(), 'x.tar');
    const large = Buffer.alloc(40 * 2 ** 20, 'pattern');
    const writer = await write(path, [
      ['000000000.png', large],
      ['000000000.json', Buffer.from('{}')],
    ]);
    await writer.verify();
    expect((await stat(path)).size).toBe(512 + large.length + 512 + 512 + 1024);
  });

  it.each(['', 'x'.repeat(101), '2.é', 'a\nb'])('refuses the name %j', async (name) => {
    const writer = await TarWriter.create(join(await scratch(), 'x.tar'));
    await expect(writer.add(name, Buffer.from('x'))).rejects.toThrow(/ASCII name of at most 100 characters/);
    await writer.abort();
  });

  it('does not overwrite', async () => {
    const path = join(await scratch(), 'x.tar');
    await writeFile(path, 'here first');
    await expect(TarWriter.create(path)).rejects.toMatchObject({ code: 'EEXIST' });
  });

  it.each<[what: string, change: (archive: Buffer) => Buffer, message: RegExp]>([
    [
      'a flipped bit in a body',
      (a) => Buffer.from(a.map((byte, i) => (i === 600 ? byte ^ 1 : byte))),
      /000000000\.jpg differ/,
    ],
    ['a flipped bit in a header', (a) => Buffer.from(a.map((byte, i) => (i === 3 ? byte ^ 1 : byte))), /checksum/],
    ['a missing member', (a) => Buffer.concat([a.subarray(0, 1536), Buffer.alloc(1024)]), /1 members instead of 4/],
    [
      'another order',
      (a) => Buffer.concat([a.subarray(1536, 2560), a.subarray(0, 1536), a.subarray(2560)]),
      /member 0 is 000000000\.json/,
    ],
    [
      'a shorter body',
      (a) => Buffer.concat([ustarHeader('000000000.jpg', 699), a.subarray(512)]),
      /699 bytes instead of 700/,
    ],
    [
      'an added member',
      (a) => Buffer.concat([a.subarray(0, -1024), ustarHeader('x.jpg', 0), Buffer.alloc(1024)]),
      /member 4 is x\.jpg/,
    ],
    ['a lost end', (a) => a.subarray(0, -1024), /truncated/i],
    ['bytes after the end', (a) => Buffer.concat([a, Buffer.from('tail')]), /EOF/],
  ])('sees %s when it verifies', async (_, change, message) => {
    const path = join(await scratch(), 'x.tar');
    const writer = await write(path, MEMBERS);
    await writeFile(path, change(await readFile(path)));
    await expect(writer.verify()).rejects.toThrow(message);
    await expect(writer.verify()).rejects.toBeInstanceOf(OutputError);
  });
});
