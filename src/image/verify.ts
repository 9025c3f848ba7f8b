import type { ImageFormat, RgbImage } from '../core/types.ts';
import { SampleError } from '../errors.ts';
import { binaryAlpha, flattenOntoWhite } from './alpha.ts';
import { type ContainerScan, scanContainer } from './container.ts';
import { decodePixels } from './decode.ts';
import { lumaQuantiser } from './jpeg.ts';
import { findDifferentBlock } from './resemblance.ts';

/** Decoding what was just encoded takes far less; this only ends a decoder that hangs. */
const TIMEOUT_SECONDS = 300;

/**
 * Largest luma error of an 8 × 8 block, root mean square in levels of 0…255. Seen at most: 6 in photographs as JPEG
 * of quality 92, 5 as WebP, 7 as AVIF, 46 as GIF, whose 256 colours are few for a photograph.
 */
const TOLERANCE: Readonly<Record<'jpeg' | 'webp' | 'avif' | 'gif', number>> = { jpeg: 14, webp: 14, avif: 14, gif: 70 };

export interface ExpectedImage {
  readonly format: ImageFormat;
  readonly width: number;
  readonly height: number;
  readonly rgb: RgbImage;
  /** The alpha that was encoded; absent means opaque. */
  readonly alpha?: Uint8Array | undefined;
}

/**
 * Re-opens encoded bytes as a stranger would: allow-listed container, nothing after the picture, one frame,
 * the right size, all pixels decodable, and the picture that was meant. Formats without loss must give back
 * every byte; in the others no 8 × 8 block may differ by more than the format's own error.
 *
 * Throws SampleError of stage `verify`: `format`, `disallowed`, `trailing-data`, `multi-frame`, `size`,
 * `picture`, or the reason for which the bytes cannot be decoded.
 */
export async function verifyEncoded(bytes: Uint8Array, expected: ExpectedImage): Promise<void> {
  try {
    const scan = scanContainer(bytes);
    checkContainer(scan, expected);
    const limits = { limitPixels: expected.width * expected.height, timeoutSeconds: TIMEOUT_SECONDS };
    const actual = await decodePixels(bytes, scan, limits);
    comparePixels(onWhite(actual), onWhite(publishable(expected)), scan, bytes);
  } catch (error) {
    if (!(error instanceof SampleError) || error.stage === 'verify') throw error;
    throw failed(error.reason, error.message, error);
  }
}

/** GIF keeps only whether a pixel is transparent. */
function publishable({ format, rgb, alpha }: ExpectedImage): { rgb: RgbImage; alpha?: Uint8Array | undefined } {
  return { rgb, alpha: alpha !== undefined && format === 'gif' ? binaryAlpha(alpha) : alpha };
}

function failed(reason: string, message: string, cause?: unknown): SampleError {
  return new SampleError('verify', reason, message, cause === undefined ? undefined : { cause });
}

function onWhite({ rgb, alpha }: { rgb: RgbImage; alpha?: Uint8Array | undefined }): RgbImage {
  return alpha === undefined ? rgb : flattenOntoWhite(rgb, alpha);
}

function checkContainer(scan: ContainerScan, { format, width, height }: ExpectedImage): void {
  if (scan.format !== format) throw failed('format', `Expected ${format} but received ${scan.format}`);
  if (scan.disallowed.length > 0) {
    throw failed('disallowed', `Expected only allow-listed structures but received ${scan.disallowed.join(', ')}`);
  }
  if (scan.trailingBytes > 0) {
    throw failed('trailing-data', `Expected no bytes after the picture but received ${scan.trailingBytes}`);
  }
  if (scan.frames !== 1) throw failed('multi-frame', `Expected one frame but received ${scan.frames}`);
  if (scan.width !== width || scan.height !== height) {
    throw failed('size', `Expected ${width} × ${height} but received ${scan.width} × ${scan.height} pixels`);
  }
}

function comparePixels(actual: RgbImage, expected: RgbImage, scan: ContainerScan, bytes: Uint8Array): void {
  const { format, lossless } = scan;
  if (lossless && format !== 'gif') {
    if (Buffer.compare(actual.data, expected.data) === 0) return;
    throw failed('picture', `Expected the pixels that were encoded as ${format} but decoded others`);
  }
  const tolerance = format === 'jpeg' ? jpegTolerance(bytes) : TOLERANCE[format as 'webp' | 'avif' | 'gif'];
  const block = findDifferentBlock(actual, expected, tolerance);
  if (block === undefined) return;
  throw failed('picture', `Expected what was encoded but decoded another picture at (${block.x1}, ${block.y1})`);
}

/**
 * Rounding to the quantiser's steps moves a block by at most half their root mean square, and photographs come
 * to three quarters of that; the rest is rounding to 8 bits and clamping.
 */
function jpegTolerance(bytes: Uint8Array): number {
  return Math.max(TOLERANCE.jpeg, 5 + 0.9 * (lumaQuantiser(bytes) / 2));
}
