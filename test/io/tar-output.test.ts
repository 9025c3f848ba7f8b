import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unpackTar } from 'modern-tar';
import { describe, expect, it } from 'vitest';
import { OutputError } from '../../src/errors.ts';
import { TarOutput } from '../../src/io/tar-output.ts';
import { TarWriter } from '../../src/io/tar-writer.ts';
import { hasProgram, scratch } from '../fixtures/ioHelpers.ts';

const SAMPLES = [
  [
    { name: '000000000.jpg', body: Buffer.alloc(700, 0xff) },
    { name: '000000000.json', body: Buffer.from('{"v":1}') },
  ],
  [
    { name: '000000001.jpg', body: Buffer.alloc(512, 0x11) },
    { name: '000000001.json', body: Buffer.alloc(0) },
  ],
];

function collector() {
  const chunks: Uint8Array[] = [];
  const output = new TarOutput(async (bytes) => void chunks.push(bytes));
  return { output, chunks, bytes: () => Buffer.concat(chunks) };
}

describe('TarOutput', () => {
  it('gives the bytes of a shard in a file, a sample in each write', async () => {
    const path = join(await scratch(), 'x.tar');
    const writer = await TarWriter.create(path);
    const { output, chunks, bytes } = collector();
    for (const sample of SAMPLES) {
      for (const { name, body } of sample) await writer.add(name, body);
      await output.add(sample);
    }
    await writer.close();
    await output.end();
    expect(chunks.length).toBe(3);
    expect(bytes().equals(await readFile(path))).toBe(true);
  });

  it('hands out nothing of a sample that is not what was verified', async () => {
    const { output, chunks } = collector();
    const [[image, record]] = SAMPLES as [[{ name: string; body: Buffer }, { name: string; body: Buffer }]];
    await expect(output.add([{ ...image, digest: 'ab' }, record])).rejects.toThrow(OutputError);
    expect(chunks).toEqual([]);
    expect(await output.cut()).toBe(false);
    expect(chunks).toEqual([]);
  });

  it('ends so that nobody takes it for a whole archive', async () => {
    const { output, bytes } = collector();
    for (const sample of SAMPLES) await output.add(sample);
    const whole = bytes().length;
    expect(await output.cut()).toBe(true);
    // The last block announces a member of one byte, of which none comes.
    expect(bytes().length).toBe(whole + 512);
    expect(bytes().toString('latin1', whole, whole + 14)).toBe('__incomplete__');
    expect(bytes().toString('latin1', whole + 124, whole + 135)).toBe('00000000001');
    await expect(unpackTar(bytes(), { strict: true })).rejects.toThrow(/truncated/);
  });

  it.skipIf(!hasProgram('tar', /GNU/))('ends so that GNU tar complains', async () => {
    const { output, bytes } = collector();
    for (const sample of SAMPLES) await output.add(sample);
    const list = () => spawnSync('tar', ['-tf', '-'], { input: bytes(), encoding: 'utf8' });
    // Without a word where only the end mark is missing, which is why that is not enough.
    expect(list()).toMatchObject({ status: 0 });
    await output.cut();
    expect(list()).toMatchObject({ status: 2, stderr: expect.stringMatching(/Unexpected EOF/) });
  });

  it('writes no more after a write that failed', async () => {
    let writes = 0;
    const output = new TarOutput(async () => {
      writes += 1;
      throw Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
    });
    await expect(output.add(SAMPLES[0] ?? [])).rejects.toThrow(
      'Expected to write standard output but its reader has gone away (EPIPE)',
    );
    expect(await output.cut()).toBe(false);
    expect(writes).toBe(1);
  });
});
