import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SampleError } from '../../src/errors.ts';
import { decodeFrames } from '../../src/video/decode.ts';
import { probeClip } from '../../src/video/probe.ts';
import { ffmpeg, LIMITS, type MadeClip, makeClip, scratchFolder, tools } from './clips.ts';
import { numbersOf } from './round-trip.ts';

const folder = scratchFolder();
afterAll(folder.remove);

const written = (name: string, content: string | Uint8Array): string => {
  const path = join(folder.path, name);
  writeFileSync(path, content);
  return path;
};

describe.skipIf(ffmpeg === undefined)('hostile clips (needs ffmpeg)', () => {
  const made: Record<string, MadeClip> = {};
  beforeAll(() => {
    made.mp4 = makeClip(folder.path, { extension: 'mp4', options: ['-movflags', '+faststart'] });
    made.mkv = makeClip(folder.path, { extension: 'mkv', timing: 'milliseconds' });
    made.avi = makeClip(folder.path, { extension: 'avi', timing: 'steady', encoder: ['-c:v', 'mpeg4', '-q:v', '2'] });
    made.gif = makeClip(folder.path, { extension: 'gif', timing: 'steady', encoder: [], filter: 'format=rgb8' });
  });
  const pathOf = (kind: string) => made[kind]?.path ?? '';

  it.each([
    ['play list', '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nclip-0.mp4\n#EXT-X-ENDLIST\n'],
    ['list of files', "ffconcat version 1.0\nfile 'clip-0.mp4'\n"],
    ['session description', 'v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n'],
    ['picture', '\xff\xd8\xff\xe0 JFIF'],
    ['text', 'hello'],
  ])('a %s that is called mp4 is no clip', async (_, content) => {
    const path = written('list.mp4', Buffer.from(content, 'latin1'));
    await expect(probeClip(tools, path, LIMITS)).rejects.toMatchObject({ reason: 'unsupported:unknown' });
  });

  it('an empty file is no clip', async () => {
    await expect(probeClip(tools, written('empty.mp4', ''), LIMITS)).rejects.toMatchObject({ reason: 'empty' });
  });

  it.each(['mp4', 'mkv', 'avi', 'gif'])('a %s that ends early is refused', async (kind) => {
    const bytes = readFileSync(pathOf(kind));
    for (const share of [0.3, 0.7, 0.95]) {
      const path = written(`cut.${kind}`, bytes.subarray(0, Math.floor(bytes.length * share)));
      await expect(probeClip(tools, path, LIMITS)).rejects.toMatchObject({
        name: 'SampleError',
        stage: 'decode',
        reason: expect.stringMatching(/^(truncated|corrupt)$/),
      });
    }
  });

  it.each(['mp4', 'mkv', 'avi'])('a %s with flipped bits is refused or keeps its frames', async (kind) => {
    const bytes = readFileSync(pathOf(kind));
    const random = xoroshiro128plus(7);
    const below = (n: number) => uniformInt(random, 0, n - 1);
    for (let i = 0; i < 8; i++) {
      const damaged = Buffer.from(bytes);
      for (let flips = 0; flips < 6; flips++) {
        const at = below(damaged.length);
        damaged[at] = (damaged[at] ?? 0) ^ (1 << below(8));
      }
      const path = written(`flipped.${kind}`, damaged);
      try {
        const clip = await probeClip(tools, path, LIMITS);
        expect(await numbersOf(clip)).toHaveLength(clip.pts.length);
      } catch (error) {
        expect(error).toBeInstanceOf(SampleError);
        expect((error as Error).message).not.toContain('flipped');
      }
    }
  });

  it.each([
    ['too-many-pixels', { limitPixels: 1000 }],
    ['too-many-frames', { limitFrames: 10 }],
    ['timeout', { timeoutSeconds: 0.01 }],
  ])('%s is a reason', async (reason, limits) => {
    await expect(probeClip(tools, pathOf('mp4'), { ...LIMITS, ...limits })).rejects.toMatchObject({ reason });
  });

  it('sound alone is no clip', async () => {
    const path = join(folder.path, 'sound.mp4');
    execFileSync(tools.ffmpeg, ['-v', 'error', '-f', 'lavfi', '-i', 'sine=d=1', '-y', path]);
    await expect(probeClip(tools, path, LIMITS)).rejects.toMatchObject({ reason: 'unsupported:no-video' });
  });

  it('notices that the file is another one by now', async () => {
    const path = written('changing.mp4', readFileSync(pathOf('mp4')));
    const clip = await probeClip(tools, path, LIMITS);
    copyFileSync(makeClip(folder.path, { extension: 'mp4', timing: 'vfr', frames: 24 }).path, path);
    await expect(numbersOf(clip)).rejects.toMatchObject({ stage: 'decode', reason: 'source-changed' });
    copyFileSync(makeClip(folder.path, { extension: 'mp4', frames: 20 }).path, path);
    await expect(numbersOf(clip)).rejects.toMatchObject({ stage: 'decode', reason: 'source-changed' });
  });

  it('stops when it is told to, with the reason that was given', async () => {
    const clip = await probeClip(tools, pathOf('mp4'), LIMITS);
    const stop = new AbortController();
    const read = async () => {
      for await (const { index } of decodeFrames(tools, clip, { from: 0, to: 24, signal: stop.signal })) {
        if (index === 3) stop.abort(new Error('enough'));
      }
    };
    await expect(read()).rejects.toThrow('enough');
  });

  it('refuses a codec that nobody needs', async () => {
    const encoder = ['-c:v', 'flv'];
    const { path } = makeClip(folder.path, { extension: 'avi', timing: 'steady', encoder });
    await expect(probeClip(tools, path, LIMITS)).rejects.toMatchObject({ reason: 'unsupported:codec' });
  });
});
