import { createReadStream } from 'node:fs';
import { readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Region, RgbImage } from '../../src/core/types.ts';
import { SampleError } from '../../src/errors.ts';
import { decodeFrames } from '../../src/video/decode.ts';
import { probeClip } from '../../src/video/probe.ts';
import type { PublishedContainer } from '../../src/video/types.ts';
import { type ByteStreams, serveStreams } from '../../src/worker/byte-port.ts';
import type { SinglePassOutcome } from '../../src/worker/job.ts';
import type { Networks } from '../../src/worker/networks.ts';
import { type SinglePass, singlePass } from '../../src/worker/single-pass.ts';
import { jobWithoutNetworks } from '../fixtures/without-networks.ts';
import { guideOf, model } from '../redact/synthetic/faces.ts';
import { ffmpeg, LIMITS, makeClip, readNumber, scratchFolder, ticksOf, tools } from '../video/clips.ts';
import { range } from '../video/round-trip.ts';

const scratch = scratchFolder();
afterAll(scratch.remove);
const at = (name: string): string => join(scratch.path, name);

const FRAMES = 60;
const LOOK_AHEAD = 32;
const job = jobWithoutNetworks('solid');

/** Networks that find a face in the middle of the lower third of some frames, by the number in the frame. */
function finding(
  isSeen: (frame: number) => boolean,
  onLook = (_frame: number): void => {},
): Pick<Networks, 'detect' | 'guides'> {
  const detect = async (image: RgbImage) => {
    const frame = readNumber(image);
    onLook(frame);
    const box = { x1: image.width * 0.4, y1: image.height * 0.7, x2: image.width * 0.6, y2: image.height * 0.95 };
    return { detections: isSeen(frame) ? [{ label: 'face', box, score: 1, model: 'none' }] : [], timings: {} };
  };
  return { detect: { detect }, guides: { addTo: async (regions: unknown) => regions } } as unknown as Pick<
    Networks,
    'detect' | 'guides'
  >;
}

const isSeen = (frame: number): boolean => frame >= 20 && frame < 30;

interface Streamed {
  readonly outcome: SinglePassOutcome;
  readonly bytes: Buffer;
  readonly frames: number;
  readonly failure: unknown;
}

function taskOf(more: Partial<SinglePass>): SinglePass {
  const { thresholds } = job.detect;
  const counters = new SharedArrayBuffer(8);
  return { container: 'mkv', every: 1, lookAhead: LOOK_AHEAD, thresholds, group: 0, counters, ...more };
}

/** Passes a file as a stream. */
async function stream(
  path: string,
  networks: Pick<Networks, 'detect' | 'guides'>,
  more: Partial<SinglePass> & Partial<ByteStreams> & { stopAt?: (frames: number, stop: () => void) => void } = {},
): Promise<Streamed> {
  const { read, write, stopAt, ...options } = more;
  const chunks = createReadStream(path, { highWaterMark: 1 << 14 })[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const written: Uint8Array[] = [];
  const task = taskOf(options);
  const state = new Int32Array(task.counters);
  const served = serveStreams({
    read: read ?? (async () => (await chunks.next()).value),
    write: async (bytes) => {
      await write?.(bytes);
      written.push(bytes);
      stopAt?.((state[0] as number) / 2, () => {
        Atomics.store(state, 1, 1);
        served.stop();
      });
    },
  });
  const outcome = await singlePass({ ...task, port: served.port }, job, networks);
  served.close();
  return { outcome, bytes: Buffer.concat(written), frames: (state[0] as number) / 2, failure: served.failure };
}

/** Numbers of the frames of a clip, and those in which the face is covered. */
async function look(path: string, timescale = 25) {
  const clip = await probeClip(tools, path, LIMITS);
  const numbers: number[] = [];
  const covered: number[] = [];
  for await (const { rgb } of decodeFrames(tools, clip, { from: 0, to: clip.pts.length })) {
    numbers.push(readNumber(rgb));
    const middle = (Math.round(rgb.height * 0.83) * rgb.width + Math.round(rgb.width / 2)) * 3;
    // The scene is red there, and the fill black.
    if ((rgb.data[middle] as number) < 80) covered.push(numbers.length - 1);
  }
  return { numbers, covered, ticks: ticksOf(clip, timescale) };
}

const plain = () => makeClip(scratch.path, { extension: 'mkv', frames: FRAMES, timing: 'steady' });

describe.skipIf(ffmpeg === undefined)('a single pass', () => {
  it.each(['mkv', 'mp4', 'webm'] as const)(
    'hands on all frames in order, covered from before a face is seen: %s',
    async (container) => {
      const { path, ticks } = plain();
      const { outcome, bytes, frames } = await stream(path, finding(isSeen), { container });
      expect(outcome).toMatchObject({ status: 'passed', counts: { face: 1, body: 0 } });
      expect(frames).toBe(FRAMES);
      await writeFile(at(`all.${container}`), bytes);
      expect(await look(at(`all.${container}`))).toEqual({
        numbers: range(0, FRAMES),
        covered: range(11, 39),
        ticks: ticks.map((tick) => tick - (ticks[0] as number)),
      });
    },
  );

  it('of a file ends in a file with its times and a log, and the same bytes again', async () => {
    const { path, ticks } = makeClip(scratch.path, { extension: 'mp4', frames: FRAMES, timing: 'vfr' });
    const digests: Buffer[] = [];
    for (const name of ['a', 'b']) {
      const files = {
        source: path,
        out: at(`${name}.mp4`),
        regions: at(`${name}.jsonl`),
        glances: at(`${name}.bin`),
        limitFrames: 100,
      };
      const outcome = await singlePass(taskOf({ files, container: 'mp4' }), job, finding(isSeen));
      expect(outcome).toMatchObject({ status: 'passed', times: { duration: expect.any(Number) } });
      digests.push(await readFile(files.out));
      expect((await stat(files.regions)).mode & 0o777).toBe(0o600);
    }
    expect(digests[0]?.equals(digests[1] as Buffer)).toBe(true);
    const seen = await look(at('a.mp4'), 90_000);
    expect(seen).toEqual({ numbers: range(0, FRAMES), covered: range(11, 39), ticks });
    const lines = (await readFile(at('a.jsonl'), 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toHaveLength(FRAMES);
    expect(lines.flatMap((regions, i) => (regions.length > 0 ? [i] : []))).toEqual(range(11, 39));
    expect(lines[15]).toMatchObject([{ track: 0, class: 'face', origin: 'interpolated', mode: 'solid' }]);
    expect(lines[25]).toMatchObject([{ track: 0, class: 'face', origin: 'detector' }]);
  });

  it('draws a face in all of its frames that is read in two of three, each once, and as much is covered', async () => {
    const { path } = plain();
    const reads: number[] = [];
    const networks = finding(isSeen);
    const addTo = async (regions: readonly Region[], image: RgbImage) =>
      regions.map((region) => {
        if (region.guide || region.mode !== 'synthetic') return region;
        const frame = readNumber(image);
        reads.push(frame);
        const { x1, y1, x2, y2 } = region.core;
        const stance = { x: (x1 + x2) / 2, y: (y1 + y2) / 2, size: 0.8 * (x2 - x1), turn: 0.3 * (-1) ** frame };
        return frame % 3 === 0 ? region : { ...region, guide: guideOf(stance) };
      });
    Object.assign(networks.guides, { addTo });
    const drawing = { ...jobWithoutNetworks('synthetic'), faces: 'model' };
    const files = {
      ...{ source: path, out: at('drawn.mkv'), regions: at('drawn.jsonl'), glances: at('drawn.bin') },
      limitFrames: 100,
    };
    const outcome = await singlePass(taskOf({ files }), drawing, { ...networks, faces: model });
    expect(outcome).toMatchObject({ status: 'passed' });
    const lines = (await readFile(at('drawn.jsonl'), 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.flatMap((regions, i) => (regions.length > 0 ? [i] : []))).toEqual(range(11, 39));
    expect(new Set(lines.flat().map(({ mode }) => mode))).toEqual(new Set(['synthetic']));
    expect(reads.sort((a, b) => a - b)).toEqual(range(11, 39));
  });

  it('looks at the last frame, whichever that is', async () => {
    const looked: number[] = [];
    const { path } = plain();
    await stream(
      path,
      finding(
        () => false,
        (frame) => looked.push(frame),
      ),
      { every: 25, lookAhead: 40 },
    );
    // Frames whose number differs much from the one before are looked at, too, in case they are cuts: even ones.
    expect(looked).toContain(FRAMES - 1);
    expect(looked.filter((frame) => frame % 2 === 1)).toEqual([25, FRAMES - 1]);
  });

  it.each([
    [
      'detected',
      {
        isSeen: (_: number) => {
          throw new SampleError('detect', 'time-limit', 'Expected less');
        },
      },
    ],
    ['redacted', { isSeen: (_: number) => true }],
  ])('ends at a frame that cannot be %s: nothing more is written', async (what, { isSeen: fails }) => {
    const { path } = plain();
    const networks = finding((frame) => (frame === 50 ? fails(frame) : isSeen(frame)));
    if (what === 'redacted') {
      let calls = 0;
      Object.assign(networks.guides, {
        addTo: async (regions: unknown) => {
          if (calls++ === 18) throw new SampleError('redact', 'residual', 'Expected less');
          return regions;
        },
      });
    }
    const { outcome, frames, bytes } = await stream(path, networks);
    expect(outcome).toMatchObject({ stage: what === 'detected' ? 'detect' : 'redact' });
    // Frame 50 arrives when 18 have left.
    expect(frames).toBe(18);
    await writeFile(at('cut.mkv'), bytes);
    const seen = await look(at('cut.mkv')).catch(() => ({ numbers: [] }));
    expect(seen.numbers).toEqual(range(0, seen.numbers.length));
    expect(seen.numbers.length).toBeLessThanOrEqual(18);
    const files = { source: path, out: at('no.mkv'), regions: at('no.jsonl'), glances: at('no.bin'), limitFrames: 40 };
    expect(await singlePass(taskOf({ files }), job, finding(isSeen))).toMatchObject({ reason: 'too-many-frames' });
    await expect(stat(files.out)).rejects.toThrow('ENOENT');
  });

  it('ends where a stream is cut off, without the frames that wait', async () => {
    const { path } = plain();
    await truncate(path, (await stat(path)).size - 500);
    const { outcome, frames } = await stream(path, finding(isSeen));
    expect(outcome).toMatchObject({ stage: 'decode', reason: expect.stringMatching(/truncated|corrupt/) });
    expect(frames).toBeGreaterThan(0);
    expect(frames).toBeLessThanOrEqual(FRAMES - LOOK_AHEAD);
  });

  it('that is stopped ends with a whole clip of what had left', async () => {
    const { path } = plain();
    // The stream does not end: somebody has to stop it.
    const chunks = createReadStream(path)[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    const read = async () => (await chunks.next()).value ?? new Promise<undefined>(() => {});
    const { outcome, frames, bytes } = await stream(path, finding(isSeen), {
      read,
      stopAt: (written, stop) => written >= 10 && stop(),
    });
    expect(outcome).toEqual({ status: 'stopped' });
    await writeFile(at('stopped.mkv'), bytes);
    const { numbers, covered } = await look(at('stopped.mkv'));
    expect(numbers).toEqual(range(0, frames));
    expect(covered).toEqual(range(11, frames));
  });

  it('holds no more frames than it looks ahead, however slow its reader is', async () => {
    const { path } = makeClip(scratch.path, {
      ...{ extension: 'mkv', frames: 100, timing: 'steady' },
      filter: 'scale=480:288,noise=c0s=60:allf=t',
    });
    let arrived = 0;
    const counters = new SharedArrayBuffer(8);
    const state = new Int32Array(counters);
    const waiting: number[] = [];
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const networks = finding(
      () => false,
      () => {
        arrived++;
        waiting.push(arrived - (state[0] as number) / 2);
      },
    );
    const running = stream(path, networks, { counters, lookAhead: 8, write: () => gate });
    for (let before = -1; before !== arrived || arrived === 0; ) {
      before = arrived;
      await new Promise((resolve) => setTimeout(resolve, 4000));
    }
    // Nobody has taken a byte: the rest of the clip has not been looked at.
    expect(arrived).toBeLessThan(100);
    release();
    expect((await running).outcome.status).toBe('passed');
    expect(arrived).toBe(100);
    expect(Math.max(...waiting)).toBeLessThanOrEqual(8 + 1);
  });

  it('is refused where the frames that wait would fill the memory', async () => {
    const { path } = makeClip(scratch.path, { extension: 'mkv', frames: 1, filter: 'scale=1440:1080' });
    const { outcome, frames } = await stream(path, finding(isSeen), { lookAhead: 1000 });
    expect(outcome).toMatchObject({ stage: 'decode', reason: 'too-many-pixels' });
    expect(frames).toBe(0);
  });

  it('ends when its reader has gone', async () => {
    const { path } = plain();
    const gone = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
    const { outcome, failure } = await stream(path, finding(isSeen), { write: () => Promise.reject(gone) });
    expect(outcome.status).toBe('failed_to_anonymize');
    expect(failure).toBe(gone);
  });

  it.each<[PublishedContainer | 'keep', string]>([
    ['keep', 'matroska'],
    ['mp4', 'ftyp'],
  ])('goes out as %s', async (container, mark) => {
    const { path } = makeClip(scratch.path, {
      extension: 'avi',
      timing: 'steady',
      encoder: ['-c:v', 'mpeg4', '-q:v', '2'],
    });
    const { bytes } = await stream(path, finding(isSeen), { container });
    expect(bytes.toString('latin1', 0, 64)).toContain(mark);
  });
});
