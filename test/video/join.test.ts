import { execFileSync } from 'node:child_process';
import { createReadStream, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RgbImage } from '../../src/core/types.ts';
import { OutputError } from '../../src/errors.ts';
import { checkSegment } from '../../src/video/check-segment.ts';
import { type Glance, glanceAt } from '../../src/video/cuts.ts';
import { decodeFrames } from '../../src/video/decode.ts';
import { openEncoder } from '../../src/video/encode.ts';
import { joinSegments } from '../../src/video/join.ts';
import { readMatroska } from '../../src/video/matroska-reader.ts';
import { probeClip } from '../../src/video/probe.ts';
import { readStreams } from '../../src/video/streams.ts';
import { PUBLISHED_CONTAINERS } from '../../src/video/types.ts';
import { verifyClip, verifyJoined } from '../../src/video/verify.ts';
import { ffmpeg, LIMITS, makeClip, numberedFrame, scratchFolder, tools, X264 } from './clips.ts';
import { numbersOf, range, roundTrip, writeSegment } from './round-trip.ts';

const folder = scratchFolder();
afterAll(folder.remove);

const inFolder = (name: string, content?: string): string => {
  const path = join(folder.path, name);
  if (content !== undefined) writeFileSync(path, content);
  return path;
};

/** A clip with everything beside its picture that mp4 and mkv can hold, all of it called CANARY. */
function laden(extension: 'mp4' | 'mov' | 'mkv'): string {
  const subtitles = inFolder('subtitles.srt', '1\n00:00:00,000 --> 00:00:00,500\nCANARY words\n');
  const chapters = inFolder(
    'chapters.txt',
    ';FFMETADATA1\ntitle=CANARY title\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=400\ntitle=CANARY chapter\n',
  );
  const inputs = ['-f', 'lavfi', '-i', 'sine=440:d=0.8', '-f', 'lavfi', '-i', 'testsrc=d=0.8:s=64x48'];
  inputs.push('-i', subtitles, '-f', 'ffmetadata', '-i', chapters);
  const tags = ['location=+52.5-013.4/', 'location-eng=+52.5-013.4/', 'make=CANARY maker', 'comment=CANARY note'];
  return makeClip(folder.path, {
    extension,
    timing: 'milliseconds',
    inputs,
    maps: ['1:a', '2:v', '3:s'],
    options: [
      ...['-map_metadata', '4', '-map_chapters', '4', '-c:s', extension === 'mkv' ? 'srt' : 'mov_text'],
      ...['-c:a', 'aac', '-metadata:s:a', 'language=deu', '-metadata:s:v:0', 'handler_name=CANARY handler'],
      ...tags.flatMap((tag) => ['-metadata', tag]),
      ...['-metadata', 'creation_time=2019-05-06T07:08:09Z', '-timecode', '01:02:03:04'],
      ...(extension === 'mkv' ? ['-attach', subtitles, '-metadata:s:t', 'mimetype=text/plain'] : []),
      ...(extension === 'mkv' ? [] : ['-movflags', '+use_metadata_tags']),
    ],
  }).path;
}

describe.skipIf(ffmpeg === undefined)('published clips (needs ffmpeg)', () => {
  it.each(['mp4', 'mov', 'mkv'] as const)('have nothing of what a %s holds beside its picture', async (extension) => {
    const source = laden(extension);
    expect(readFileSync(source).includes('CANARY')).toBe(true);
    for (const container of extension === 'mp4' ? PUBLISHED_CONTAINERS : (['mp4'] as const)) {
      const { clip, out } = await roundTrip(folder.path, source, container);
      expect(clip.dropped).toMatchObject({ audio: 1, video: 1, subtitle: 1 });
      const file = await readStreams(tools, out, container);
      expect(file.streams.map(({ codec_type }) => codec_type)).toEqual(['video']);
      expect(file.chapters).toEqual([]);
      const bytes = readFileSync(out).toString('latin1');
      for (const trace of ['CANARY', '52.5', '2019', 'deu', 'x264', 'Lavc5', 'Lavf5', 'elst']) {
        if (trace === 'elst' && container === 'mkv') continue;
        expect(bytes.includes(trace), `${trace} in ${container}`).toBe(false);
      }
    }
  });

  it('drop cover art', async () => {
    const cover = inFolder('cover.png');
    execFileSync(tools.ffmpeg, [
      '-v',
      'error',
      '-f',
      'lavfi',
      '-i',
      'testsrc=s=300x300',
      '-frames:v',
      '1',
      '-y',
      cover,
    ]);
    const { path } = makeClip(folder.path, {
      extension: 'mp4',
      inputs: ['-i', cover],
      maps: ['1:v'],
      options: ['-c:v:1', 'png', '-disposition:v:1', 'attached_pic'],
    });
    const { clip, published } = await roundTrip(folder.path, path, 'mp4');
    expect([clip.dropped, published.dropped]).toEqual([{ cover: 1 }, {}]);
    expect(await numbersOf(published)).toEqual(range(0, 24));
  });

  describe('sound', () => {
    let path = '';
    beforeAll(() => {
      path = laden('mp4');
    });

    it.each(['mp4', 'mov', 'mkv', 'webm'] as const)(
      'is kept in %s when asked for, without its tags',
      async (container) => {
        const { out, published } = await roundTrip(folder.path, path, container, { audio: 'keep', starts: [0, 9] });
        expect(published.hasAudio).toBe(true);
        expect(dominant(out)).toBeCloseTo(440, -1);
        expect(readFileSync(out).includes('CANARY')).toBe(false);
      },
    );

    it.each(['webm', 'mkv'] as const)('is kept in %s without the comments in its headers', async (container) => {
      const inputs = ['-f', 'lavfi', '-i', 'sine=440:d=0.8'];
      const options = ['-c:a', 'libvorbis'];
      const made = makeClip(folder.path, { extension: 'mkv', timing: 'milliseconds', inputs, maps: ['1:a'], options });
      const bytes = readFileSync(made.path);
      const vendor = bytes.indexOf('Xiph.Org libVorbis');
      expect(vendor).toBeGreaterThan(0);
      bytes.write('CANARY', vendor);
      writeFileSync(made.path, bytes);
      const { out } = await roundTrip(folder.path, made.path, container, { audio: 'keep' });
      expect(dominant(out)).toBeCloseTo(440, -1);
      expect(readFileSync(out).includes('CANARY')).toBe(false);
    });

    it('is masked when asked for', async () => {
      const { out, published } = await roundTrip(folder.path, path, 'mp4', { audio: 'mask' });
      expect(published.hasAudio).toBe(true);
      expect(Math.abs(dominant(out) - (440 * 5) / 6)).toBeLessThan(30);
    });
  });

  it('are the same bytes in every run', async () => {
    const { path } = makeClip(folder.path, { extension: 'mp4', timing: 'vfr' });
    for (const container of ['mp4', 'webm'] as const) {
      const [a, b] = await Promise.all([
        roundTrip(folder.path, path, container, { starts: [0, 9] }),
        roundTrip(folder.path, path, container, { starts: [0, 9] }),
      ]);
      expect(readFileSync(a.out).equals(readFileSync(b.out))).toBe(true);
    }
  });

  it('need segments that hold every frame, each once', async () => {
    const { path } = makeClip(folder.path, { extension: 'mp4', frames: 8 });
    const clip = await probeClip(tools, path, LIMITS);
    const [first, second] = [inFolder('first.mkv'), inFolder('second.mkv')];
    await writeSegment(first, clip, { from: 0, to: 4 }, 'mp4');
    await writeSegment(second, clip, { from: 4, to: 8 }, 'mp4');
    const options = { container: 'mp4', audio: 'drop' } as const;
    for (const segments of [[first], [first, second, second]]) {
      await expect(joinSegments(tools, segments, clip, inFolder('joined.mp4'), options)).rejects.toThrow(OutputError);
    }
  });

  it('are refused when they are not what the source was', async () => {
    const source = makeClip(folder.path, { extension: 'mp4', frames: 8 }).path;
    const clip = await probeClip(tools, source, LIMITS);
    const options = { container: 'mp4', audio: 'drop' } as const;
    const others = {
      frames: { frames: 7 },
      times: { frames: 8, timing: 'vfr' },
      size: { frames: 8, width: 162 },
      streams: { frames: 8, inputs: ['-f', 'lavfi', '-i', 'sine=d=0.2'], maps: ['1:a'] },
      tags: { frames: 8, options: ['-metadata', 'title=somebody', '-fflags', '+bitexact'] },
    } as const;
    for (const [what, recipe] of Object.entries(others)) {
      const { path } = makeClip(folder.path, { extension: 'mp4', encoder: [...X264, '-bf', '0'], ...recipe });
      await expect(verifyClip(tools, path, clip, options), what).rejects.toMatchObject({ stage: 'verify' });
    }
  });

  it.each(PUBLISHED_CONTAINERS)('are refused in %s when a packet is not one of the segments', async (container) => {
    const clip = await probeClip(tools, makeClip(folder.path, { extension: 'mp4', frames: 8 }).path, LIMITS);
    const options = { container, audio: 'drop' } as const;
    const segment = async (name: string, from: number, to: number): Promise<string> => {
      await writeSegment(inFolder(name), clip, { from, to }, container);
      return inFolder(name);
    };
    const first = await segment('a.mkv', 0, 4);
    const second = await segment('b.mkv', 4, 8);
    const out = inFolder(`packets.${container}`);
    const packets = await joinSegments(tools, [first, second], clip, out, options);
    await verifyJoined(tools, out, clip, packets, options);

    const swapped = await joinSegments(tools, [second, first], clip, inFolder(`swapped.${container}`), options);
    expect(swapped.packets).toBe(packets.packets);
    await expect(verifyJoined(tools, out, clip, swapped, options)).rejects.toMatchObject({ reason: 'clip-differs' });

    const last = await lastFrameOf(second);
    const bytes = readFileSync(out);
    const at = bytes.indexOf(last) + last.length - 1;
    expect(at).toBeGreaterThan(last.length);
    bytes[at] = (bytes[at] as number) ^ 1;
    writeFileSync(out, bytes);
    await expect(verifyJoined(tools, out, clip, packets, options)).rejects.toMatchObject({ reason: 'clip-differs' });
    writeFileSync(out, bytes.subarray(0, at - 1));
    await expect(verifyJoined(tools, out, clip, packets, options)).rejects.toMatchObject({ stage: 'verify' });
  });

  it.each(['h264', 'vp9'] as const)('come only from %s segments whose frames are those that went in', async (codec) => {
    const clip = await probeClip(tools, makeClip(folder.path, { extension: 'mp4', frames: 8 }).path, LIMITS);
    const container = codec === 'vp9' ? 'webm' : 'mp4';
    const segment = inFolder(`checked.${codec}.mkv`);
    await writeSegment(segment, clip, { from: 0, to: 8 }, container);
    const glances: Glance[] = [];
    for await (const { rgb } of decodeFrames(tools, clip, { from: 0, to: 8 })) glances.push(glanceAt(rgb));
    await checkSegment(tools, segment, clip, glances);
    const differs = { stage: 'verify', reason: 'clip-differs' };
    await expect(checkSegment(tools, segment, clip, glances.slice(0, 7))).rejects.toMatchObject(differs);
    await expect(checkSegment(tools, segment, clip, [...glances, ...glances])).rejects.toMatchObject(differs);
    await expect(checkSegment(tools, segment, clip, glances.toReversed())).rejects.toMatchObject(differs);
    const bytes = readFileSync(segment);
    writeFileSync(segment, bytes.subarray(0, bytes.length >> 1));
    await expect(checkSegment(tools, segment, clip, glances)).rejects.toMatchObject({ stage: 'verify' });
  });

  it.each([
    [48, 32],
    [161, 97],
    [640, 362],
    [2600, 400],
  ])('come from segments of %d × %d whose colours are as they went in, whatever these are', async (width, height) => {
    const { path } = makeClip(folder.path, { extension: 'mp4', frames: 2 });
    const clip = { ...(await probeClip(tools, path, LIMITS)), width, height };
    const segment = inFolder('coloured.mkv');
    const encoder = await openEncoder(tools, segment, clip, { from: 0, to: 2, codec: 'h264' });
    const glances: Glance[] = [];
    for (const shift of [0, 1]) {
      const rgb = colourBars(width, height, shift);
      glances.push(glanceAt(rgb));
      await encoder.write(rgb);
    }
    await encoder.close();
    await checkSegment(tools, segment, clip, glances);
    await expect(checkSegment(tools, segment, clip, glances.toReversed())).rejects.toMatchObject({ stage: 'verify' });
  });

  it('come only from encoders that were given every frame', async () => {
    const { path } = makeClip(folder.path, { extension: 'mp4', frames: 8 });
    const clip = await probeClip(tools, path, LIMITS);
    const segment = inFolder('short.mkv');
    const encoder = await openEncoder(tools, segment, clip, { from: 0, to: 8, codec: 'h264' });
    await encoder.write(numberedFrame(160, 96, 0));
    await expect(encoder.close()).rejects.toMatchObject({ stage: 'encode' });
    expect(() => readFileSync(segment)).toThrow();
  });
});

/** Up to sixteen bars of pure colours, at least eight pixels each: neighbours share nothing. */
function colourBars(width: number, height: number, shift: number): RgbImage {
  const data = new Uint8Array(width * height * 3);
  const bars = Math.min(16, Math.floor(width / 8));
  for (let p = 0; p < width * height; p++) {
    const bar = (Math.floor(((p % width) * bars) / width) * 3 + shift) % 8;
    data.set([bar & 1 ? 255 : 0, bar & 2 ? 255 : 0, bar & 4 ? 255 : 0], p * 3);
  }
  return { data, width, height };
}

async function lastFrameOf(segment: string): Promise<Buffer> {
  let last = Buffer.alloc(0);
  for await (const item of readMatroska(createReadStream(segment)))
    if (item.kind === 'frame') last = Buffer.from(item.data);
  return last;
}

/** Frequency in Hz with the most zero crossings' worth: enough for a pure tone. */
function dominant(path: string): number {
  const pcm = execFileSync(tools.ffmpeg, [
    ...['-v', 'error', '-i', path, '-ss', '0.2', '-t', '0.4', '-ac', '1', '-ar', '16000', '-f', 's16le', 'pipe:1'],
  ]);
  const samples = new Int16Array(pcm.buffer, pcm.byteOffset, pcm.length >> 1);
  let crossings = 0;
  for (let i = 1; i < samples.length; i++) if ((samples[i - 1] ?? 0) < 0 !== (samples[i] ?? 0) < 0) crossings++;
  return (crossings / 2) * (16_000 / samples.length);
}
