import { readFile, stat } from 'node:fs/promises';
import sharp from 'sharp';
import { SampleError } from '../errors.ts';
import { scanContainer } from '../image/container.ts';
import '../image/setup.ts';
import type { ClipFrame, ClipInfo, ClipLimits, FrameRange } from './types.ts';

// Animated WebP, which most builds of ffmpeg cannot decode: libwebp through sharp.

/** The file is held in memory. */
const LARGEST_FILE = 1 << 28;

/** Every call decodes from the first frame on, because frames are differences; so a call takes as many as fit in this. */
const BATCH_BYTES = 1 << 26;

/** Milliseconds that browsers show a frame that asks for ten or less. */
const SHORTEST_DELAY = 10;
const DEFAULT_DELAY = 100;

/** Throws SampleError of stage `decode` as `probeClip` does. */
export async function probeWebp(path: string, limits: ClipLimits): Promise<ClipInfo> {
  const bytes = await wholeFile(path);
  const { frames, height, width } = scanContainer(bytes);
  if (frames < 2) throw new SampleError('decode', 'unsupported:still', 'Expected a clip but received one picture');
  if (frames > limits.limitFrames) {
    throw new SampleError('decode', 'too-many-frames', `Expected at most ${limits.limitFrames} frames`);
  }
  if (width * height > limits.limitPixels) {
    throw new SampleError('decode', 'too-many-pixels', `Expected at most ${limits.limitPixels} pixels`);
  }
  const { delay = [], hasAlpha } = await sharp(bytes, { pages: -1, limitInputPixels: false }).metadata();
  const pts: number[] = [];
  let at = 0;
  for (let i = 0; i < frames; i++) {
    pts.push(at);
    const shown = delay[i] ?? 0;
    at += shown > SHORTEST_DELAY ? shown : DEFAULT_DELAY;
  }
  const clip: ClipInfo = {
    path,
    container: 'webp',
    stream: 0,
    codec: 'webp',
    width,
    height,
    orientation: { clockwise: 0, mirrored: false },
    pixelAspect: { num: 1, den: 1 },
    timeBase: { num: 1, den: 1000 },
    pts,
    duration: at,
    keyframes: [0],
    alpha: hasAlpha,
    bitDepth: 8,
    colour: { range: 'tv', matrix: height >= 720 ? 'bt709' : 'smpte170m' },
    hasAudio: false,
    dropped: {},
  };
  for await (const _ of decodeWebp(clip, { from: 0, to: frames })) {
    // Only to see that all of them decode.
  }
  return clip;
}

/** As `decodeFrames`. */
export async function* decodeWebp(
  clip: Pick<ClipInfo, 'height' | 'path' | 'width'>,
  { from, to }: FrameRange,
): AsyncGenerator<ClipFrame> {
  const { height, path, width } = clip;
  const bytes = await wholeFile(path);
  const frameBytes = width * height * 3;
  const batch = Math.max(1, Math.floor(BATCH_BYTES / frameBytes));
  for (let page = from; page < to; page += batch) {
    const pages = Math.min(batch, to - page);
    const { data, info } = await sharp(bytes, { page, pages, failOn: 'warning', limitInputPixels: false })
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true })
      .catch((cause: unknown) => {
        throw new SampleError('decode', 'corrupt', 'Expected a clip that decodes without an error', { cause });
      });
    if (info.width !== width || info.height !== height * pages || info.channels !== 3) {
      throw new SampleError('decode', 'source-changed', `Expected ${pages} frames of ${width} × ${height}`);
    }
    for (let i = 0; i < pages; i++) {
      const pixels = new Uint8Array(data.subarray(i * frameBytes, (i + 1) * frameBytes));
      yield { index: page + i, rgb: { data: pixels, width, height } };
    }
  }
}

async function wholeFile(path: string): Promise<Uint8Array> {
  const { size } = await stat(path);
  if (size <= LARGEST_FILE) return readFile(path);
  throw new SampleError('decode', 'too-large', `Expected at most ${LARGEST_FILE} bytes of animated WebP`);
}
