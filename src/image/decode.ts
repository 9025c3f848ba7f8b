import sharp from 'sharp';
import type { ImageFormat, RgbImage } from '../core/types.ts';
import { SampleError } from '../errors.ts';
import { splitAlpha } from './alpha.ts';
import { type ContainerScan, scanContainer } from './container.ts';
import { withoutExtraneousBytes } from './jpeg.ts';
import { checkJpegBlocks } from './jpeg-entropy.ts';
import './setup.ts';

export interface DecodeOptions {
  /** Largest accepted width times height. */
  readonly limitPixels: number;
  /** Wall-clock limit of the decoder, in whole seconds, 1 to 3600. AVIF is decoded in one call, which goes on to its end. */
  readonly timeoutSeconds: number;
}

export interface DecodedImage {
  /** Fresh memory that the caller may change in place. */
  readonly rgb: RgbImage;
  /** `width * height` bytes; only when some pixel is not opaque. Colour under alpha 0 is black in `rgb`. */
  readonly alpha?: Uint8Array;
  readonly format: ImageFormat;
  /** Whether the source stored its pixels without loss. */
  readonly lossless: boolean;
  /** Kinds of metadata that the source carried, sorted. */
  readonly stripped: string[];
}

/**
 * Decodes a still picture once, to upright 8-bit sRGB.
 *
 * What a header promises is checked before any pixel is decoded, and a decoder's warning is an error. Damage that
 * still decodes is not found where the format has no checksum: values in JPEG, lossy WebP, raw TIFF.
 * Throws SampleError of stage `decode`: `empty`, `unsupported:<what>`, `truncated`, `corrupt`,
 * `multi-frame`, `too-many-pixels`, `timeout`.
 */
export async function decodeImage(bytes: Uint8Array, options: DecodeOptions): Promise<DecodedImage> {
  const scan = scanContainer(bytes);
  checkHeader(scan, options.limitPixels);
  let intact = bytes;
  if (scan.format === 'jpeg') {
    if (scan.disallowed.includes('extraneous bytes')) intact = withoutExtraneousBytes(bytes);
    checkJpegBlocks(intact);
  }
  const planes = await decodePixels(intact, scan, options);
  return { ...planes, format: scan.format, lossless: scan.lossless, stripped: scan.kinds };
}

function checkHeader({ format, width, height, frames }: ContainerScan, limitPixels: number): void {
  if (frames > 1) {
    throw new SampleError('decode', 'multi-frame', `Expected a still ${format} but received ${frames} frames or pages`);
  }
  if (width * height > limitPixels) {
    throw new SampleError(
      'decode',
      'too-many-pixels',
      `Expected at most ${limitPixels} pixels but received ${width} × ${height}`,
    );
  }
  if (width === 0 || height === 0) {
    throw new SampleError('decode', 'corrupt', `Expected a picture but received ${width} × ${height} pixels`);
  }
}

/** The decoder must have seen the picture that the header announced, in either orientation. */
function checkSize(scan: ContainerScan, info: { width: number; height: number; channels: number }): void {
  const upright = info.width === scan.width && info.height === scan.height;
  const turned = info.width === scan.height && info.height === scan.width;
  if ((upright || turned) && (info.channels === 3 || info.channels === 4)) return;
  throw new SampleError(
    'decode',
    'corrupt',
    `Expected ${scan.width} × ${scan.height} pixels but decoded ${info.width} × ${info.height} × ${info.channels}`,
  );
}

/** Decodes the pixels of a file that has been scanned. Throws as `decodeImage` does. */
export async function decodePixels(
  bytes: Uint8Array,
  scan: ContainerScan,
  options: DecodeOptions,
): Promise<{ rgb: RgbImage; alpha?: Uint8Array }> {
  const { data: raw, info } = await rawPixels(bytes, options).catch((error: unknown) => {
    throw decodeFailure(error);
  });
  checkSize(scan, info);
  const { width, height, channels } = info;
  const data = new Uint8Array(raw.buffer, raw.byteOffset, raw.length);
  return channels === 4 ? splitAlpha(data, width, height) : { rgb: { data, width, height } };
}

function rawPixels(bytes: Uint8Array, { limitPixels, timeoutSeconds }: DecodeOptions) {
  return sharp(bytes, { failOn: 'warning', limitInputPixels: limitPixels, autoOrient: true })
    .timeout({ seconds: Math.min(3600, Math.max(1, Math.ceil(timeoutSeconds))) })
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
}

const FAILURES: readonly (readonly [pattern: RegExp, reason: string, message: string])[] = [
  [/exceeds pixel limit/, 'too-many-pixels', 'Expected fewer pixels than the limit'],
  [/timeout/, 'timeout', 'Expected the decoder to finish within its time limit'],
  [/premature end of JPEG|Unexpected end of|[Nn]ot enough data/, 'truncated', 'Expected pixel data up to the last row'],
];

/** The decoder's own words stay in `cause`: they may quote the file. */
function decodeFailure(error: unknown): SampleError {
  const text = error instanceof Error ? error.message : '';
  const [, reason, message] = FAILURES.find(([pattern]) => pattern.test(text)) ?? [
    '',
    'corrupt',
    'Expected intact pixel data',
  ];
  return new SampleError('decode', reason, message, { cause: error });
}
