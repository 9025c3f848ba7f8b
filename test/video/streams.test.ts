import { createReadStream } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openArriving } from '../../src/video/arriving.ts';
import { type ClipSink, openStreamEncoder } from '../../src/video/encode-stream.ts';
import { probeClip } from '../../src/video/probe.ts';
import { readStreams } from '../../src/video/streams.ts';
import type { ByteStream, ClipInfo, PublishedContainer } from '../../src/video/types.ts';
import { verifyClip } from '../../src/video/verify.ts';
import { type ClipRecipe, ffmpeg, LIMITS, makeClip, readNumber, scratchFolder, ticksOf, tools } from './clips.ts';
import { numbersOf, range } from './round-trip.ts';

const scratch = scratchFolder();
afterAll(scratch.remove);

function bytesOf(path: string, chunk = 1000): ByteStream {
  const chunks = createReadStream(path, { highWaterMark: chunk })[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  return { read: async () => (await chunks.next()).value };
}

let counter = 0;

/** Passes a clip through unredacted, as it arrives. */
async function pass(
  path: string,
  container: PublishedContainer,
  { from, to }: { from: 'file' | 'stream'; to: 'file' | 'stream' },
): Promise<{ source: ClipInfo; out: string }> {
  const source = await probeClip(tools, path, LIMITS);
  const opened =
    from === 'file' ? ({ kind: 'file', path } as const) : ({ kind: 'stream', bytes: bytesOf(path) } as const);
  const { clip, rate, frames } = await openArriving(tools, opened, LIMITS);
  const out = join(scratch.path, `passed-${counter++}.${container}`);
  const written: Uint8Array[] = [];
  let hasCome = (): void => {};
  const come = new Promise<void>((resolve) => {
    hasCome = resolve;
  });
  const sink: ClipSink =
    to === 'file'
      ? { kind: 'file', path: out }
      : {
          kind: 'stream',
          write: async (chunk) => {
            written.push(chunk);
            hasCome();
          },
        };
  const encoder = openStreamEncoder(tools, clip, { container, rate, sink });
  for await (const { index, pts, rgb } of frames()) {
    const at = pts - (source.pts[0] as number);
    expect([index, pts, readNumber(rgb)]).toEqual([index, source.pts[index], index]);
    const next = source.pts[index + 1] ?? (source.pts[0] as number) + source.duration;
    await encoder.write(rgb, { at, duration: next - pts });
    // A stream hands on what it has while more is to come.
    if (to === 'stream' && index === 40) await come;
  }
  await encoder.close();
  if (to === 'stream') await writeFile(out, Buffer.concat(written));
  return { source, out };
}

const CLIPS: readonly [string, ClipRecipe][] = [
  ['mp4 of constant rate', { extension: 'mp4', options: ['-movflags', '+faststart'] }],
  [
    'mp4 of variable rate in fragments',
    { extension: 'mp4', timing: 'vfr', options: ['-movflags', '+frag_keyframe+empty_moov'] },
  ],
  [
    'mkv of odd size, with times that start anywhere',
    {
      extension: 'mkv',
      width: 161,
      height: 97,
      timing: 'milliseconds',
      encoder: ['-c:v', 'ffv1', '-pix_fmt', 'yuv444p'],
      options: ['-output_ts_offset', '5000'],
    },
  ],
  ['mov that is turned', { extension: 'mov', matrix: [0, 1, -1, 0], options: ['-movflags', '+faststart'] }],
  ['avi', { extension: 'avi', timing: 'steady', encoder: ['-c:v', 'mpeg4', '-q:v', '2'] }],
];

describe.skipIf(ffmpeg === undefined)('a clip that is read once', () => {
  it.each(CLIPS)('keeps frames and times: %s', async (_, recipe) => {
    const { path, ticks, timescale } = makeClip(scratch.path, recipe);
    for (const container of ['mkv', 'mp4'] as const) {
      const streamed = await pass(path, container, { from: 'stream', to: 'stream' });
      const seen = await probeClip(tools, streamed.out, LIMITS);
      expect(await numbersOf(seen)).toEqual(range(0, 24));
      const precision = container === 'mkv' ? timescale / 1000 : 0;
      for (const [i, at] of ticksOf(seen, timescale).entries()) {
        expect(Math.abs(at - ((ticks[i] as number) - (ticks[0] as number)))).toBeLessThanOrEqual(precision);
      }
      const filed = await pass(path, container, { from: 'file', to: 'file' });
      // Duration, tags and all else as of clips in two passes.
      await verifyClip(tools, filed.out, filed.source, { container, audio: 'drop' });
      const { format, streams } = await readStreams(tools, streamed.out, container);
      expect(JSON.stringify([format.tags, streams.map(({ tags }) => tags)])).not.toMatch(/lib|x264|Lav[fc]\d/i);
      expect(streams).toHaveLength(1);
    }
  });

  it('gives the same bytes every time, and hands them on while more is to come', async () => {
    const { path } = makeClip(scratch.path, { extension: 'mkv', frames: 60, timing: 'steady' });
    for (const container of ['mkv', 'mp4', 'webm'] as const) {
      const first = await pass(path, container, { from: 'stream', to: 'stream' });
      const again = await pass(path, container, { from: 'stream', to: 'stream' });
      expect((await readFile(first.out)).equals(await readFile(again.out))).toBe(true);
    }
  });

  it.each(['mkv', 'mp4', 'webm'])('is refused where it is cut off: %s', async (extension) => {
    const encoder = extension === 'webm' ? { encoder: ['-c:v', 'libvpx-vp9', '-deadline', 'realtime'] } : {};
    const { path } = makeClip(scratch.path, {
      extension,
      options: extension === 'mp4' ? ['-movflags', '+faststart'] : [],
      ...encoder,
    });
    const cut = join(scratch.path, `cut.${extension}`);
    const whole = await readFile(path);
    await writeFile(cut, whole.subarray(0, whole.length * 0.6));
    for (const source of [
      { kind: 'file', path: cut },
      { kind: 'stream', bytes: bytesOf(cut) },
    ] as const) {
      const numbers: number[] = [];
      const read = async (): Promise<void> => {
        const { frames } = await openArriving(tools, source, LIMITS);
        for await (const { rgb } of frames()) numbers.push(readNumber(rgb));
      };
      await expect(read()).rejects.toMatchObject({
        stage: 'decode',
        reason: expect.stringMatching(/truncated|corrupt/),
      });
      expect(numbers.length).toBeLessThan(24);
    }
  });

  it.each([
    ['nothing', Buffer.alloc(0), 'empty'],
    ['a tar', Buffer.alloc(10_240, 'a.jpg\0'), 'unsupported:unknown'],
    ['a gif', Buffer.from('GIF89a..........'), 'unsupported:animation'],
    ['noise behind a head', Buffer.concat([Buffer.from('\0\0\0\x18ftypisom'), Buffer.alloc(100_000, 7)]), 'corrupt'],
  ])('is refused when it is %s', async (_, content, reason) => {
    const file = join(scratch.path, `wrong-${counter++}`);
    await writeFile(file, content);
    await expect(openArriving(tools, { kind: 'stream', bytes: bytesOf(file) }, LIMITS)).rejects.toMatchObject({
      reason,
    });
  });

  it('reads no further than its frames are taken, and no more is encoded than its bytes are', async () => {
    // Noise does not compress: a frame is larger than all pipes together hold.
    const { path } = makeClip(scratch.path, {
      extension: 'mkv',
      frames: 48,
      timing: 'steady',
      filter: 'scale=640:384,noise=alls=100:allf=t',
    });
    let read = 0;
    const bytes = bytesOf(path, 1 << 14);
    const counted: ByteStream = {
      read: async () => {
        const chunk = await bytes.read();
        read += chunk?.length ?? 0;
        return chunk;
      },
    };
    const { clip, rate, frames } = await openArriving(tools, { kind: 'stream', bytes: counted }, LIMITS);
    let taken = 0;
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const write = async (): Promise<void> => {
      taken++;
      await gate;
    };
    const encoder = openStreamEncoder(tools, clip, { container: 'mkv', rate, sink: { kind: 'stream', write } });
    let written = 0;
    const working = (async () => {
      for await (const { pts, rgb } of frames()) {
        await encoder.write(rgb, { at: pts, duration: 1 });
        written++;
      }
      await encoder.close();
    })();
    // Nobody takes a byte: after a while all of it stands still.
    let before = -1;
    while (before !== written || taken === 0) {
      before = written;
      await new Promise((resolve) => setTimeout(resolve, 3000));
    }
    expect(written).toBeLessThan(24);
    expect(read).toBeLessThan((await readFile(path)).length);
    open();
    await working;
    expect(written).toBe(48);
  });
});
