import type { ImageFormat } from '../core/types.ts';
import { SampleError } from '../errors.ts';
import { scanGif } from './gif.ts';
import { scanAvif } from './isobmff.ts';
import { scanJpeg } from './jpeg.ts';
import { scanPng } from './png.ts';
import { sniffFormat } from './sniff.ts';
import { scanTiff } from './tiff.ts';
import { scanWebp } from './webp.ts';

export interface ContainerScan {
  readonly format: ImageFormat;
  /**
   * Kinds of metadata beside the picture, sorted, each once: c2pa, comment, depth-map, exif, gain-map, gps, icc, iptc,
   * jfxx, maker-note, motion-photo, multi-picture, other, photoshop, text, thumbnail, time, trailing-data, xmp.
   */
  readonly kinds: string[];
  /** Markers, chunks, boxes or tags outside the allow-list of what is published, each once. */
  readonly disallowed: string[];
  /** Bytes after the end of the picture. */
  readonly trailingBytes: number;
  /** Pictures that are neither thumbnails nor auxiliary. */
  readonly frames: number;
  /** Size that the header promises, in pixels as stored, before any orientation. */
  readonly width: number;
  readonly height: number;
  /** Whether the pixels are stored without loss. */
  readonly lossless: boolean;
}

const SCANNERS: Readonly<Record<ImageFormat, (bytes: Uint8Array) => ContainerScan>> = {
  jpeg: scanJpeg,
  png: scanPng,
  webp: scanWebp,
  avif: scanAvif,
  tiff: scanTiff,
  gif: scanGif,
};

/**
 * Walks a file's markers, chunks, boxes or tags without decoding pixels, in linear time.
 *
 * Throws SampleError of stage `decode`: `empty`, `unsupported:<what>`, `truncated` when the file ends
 * inside a structure or before its end marker, `corrupt` when the structure cannot be walked.
 */
export function scanContainer(bytes: Uint8Array): ContainerScan {
  const sniffed = sniffFormat(bytes);
  if ('format' in sniffed) return SCANNERS[sniffed.format](bytes);
  const { unsupported } = sniffed;
  if (unsupported === 'empty') throw new SampleError('decode', 'empty', 'Expected an image but received 0 bytes');
  throw new SampleError('decode', `unsupported:${unsupported}`, `Expected a supported image format: ${unsupported}`);
}

export function sorted(names: Iterable<string>): string[] {
  return [...new Set(names)].sort();
}
