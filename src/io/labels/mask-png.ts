import { constants, deflateSync, inflateSync } from 'node:zlib';
import { KeepError } from '../json-fields.ts';

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Samples of a mask. */
const MOST_PIXELS = 1e8;
/** Share of neighbours in a row that are alike. Masks have areas; a photograph in greys or in a palette has hardly any. */
const LEAST_ALIKE = 0.9;

export interface Mask {
  readonly width: number;
  readonly height: number;
  /** The mask again: its samples and palette, and nothing else. */
  readonly png: Uint8Array;
}

/**
 * Reads a segmentation mask, a PNG of greys or palette indices, and writes it without all other chunks and what follows
 * its end. PNG, third edition (W3C), sections 5, 7 and 9.
 * @throws KeepError for a file that is damaged, interlaced, in colours, or a picture rather than a mask.
 */
export function cleanMask(bytes: Uint8Array): Mask {
  const chunks = chunksOf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  const header = chunks.find(({ type }) => type === 'IHDR')?.data;
  if (header?.length !== 13) throw invalid('a header');
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const [depth = 0, colour, , , interlace] = header.subarray(8);
  if (colour !== 0 && colour !== 3) throw invalid('greys or palette indices');
  if (interlace !== 0) throw invalid('no interlacing');
  if (![1, 2, 4, 8, 16].includes(depth) || width === 0 || height === 0 || width * height > MOST_PIXELS) {
    throw invalid(`up to ${MOST_PIXELS} samples of 1 to 16 bits`);
  }
  const rowBytes = Math.ceil((width * depth) / 8);
  const filtered = inflate(
    chunks.filter(({ type }) => type === 'IDAT').map(({ data }) => data),
    (rowBytes + 1) * height,
  );
  assertAreas(unfilter(filtered, rowBytes, height, depth === 16 ? 2 : 1), width, height, depth);
  const palette = chunks.find(({ type }) => type === 'PLTE')?.data;
  if (colour === 3 && (palette === undefined || palette.length === 0 || palette.length > 768))
    throw invalid('a palette');
  const png = Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    ...(colour === 3 && palette ? [chunk('PLTE', palette)] : []),
    chunk('IDAT', deflateSync(filtered, { level: constants.Z_DEFAULT_COMPRESSION })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
  return { width, height, png };
}

function invalid(expected: string): KeepError {
  return new KeepError('label-invalid', `Expected a mask with ${expected} but received another file`);
}

function chunksOf(bytes: Buffer): { readonly type: string; readonly data: Buffer }[] {
  if (!bytes.subarray(0, SIGNATURE.length).equals(SIGNATURE)) throw invalid('the signature of PNG');
  const chunks: { type: string; data: Buffer }[] = [];
  for (let at = SIGNATURE.length; at + 12 <= bytes.length; ) {
    const end = at + 12 + bytes.readUInt32BE(at);
    if (end > bytes.length) break;
    const type = bytes.toString('latin1', at + 4, at + 8);
    if (bytes.readUInt32BE(end - 4) !== crc32(bytes.subarray(at + 4, end - 4))) throw invalid('whole chunks');
    if (type === 'IEND') return chunks;
    chunks.push({ type, data: bytes.subarray(at + 8, end - 4) });
    at = end;
  }
  throw invalid('an end');
}

function inflate(parts: readonly Buffer[], length: number): Buffer {
  let samples: Buffer;
  try {
    samples = inflateSync(Buffer.concat(parts), { maxOutputLength: length });
  } catch {
    throw invalid('whole samples');
  }
  if (samples.length !== length) throw invalid('all of its samples');
  return samples;
}

/** @param step bytes of a sample, at least one. @returns rows without their filter bytes. */
function unfilter(filtered: Buffer, rowBytes: number, height: number, step: number): Uint8Array {
  const rows = new Uint8Array(rowBytes * height);
  for (let y = 0; y < height; y++) {
    const filter = filtered[y * (rowBytes + 1)] as number;
    if (filter > 4) throw invalid('known filters');
    const from = y * (rowBytes + 1) + 1;
    const to = y * rowBytes;
    for (let i = 0; i < rowBytes; i++) {
      const left = i >= step ? (rows[to + i - step] as number) : 0;
      const up = y > 0 ? (rows[to + i - rowBytes] as number) : 0;
      const corner = y > 0 && i >= step ? (rows[to + i - rowBytes - step] as number) : 0;
      rows[to + i] = (filtered[from + i] as number) + predicted(filter, left, up, corner);
    }
  }
  return rows;
}

function predicted(filter: number, left: number, up: number, corner: number): number {
  if (filter === 0) return 0;
  if (filter === 1) return left;
  if (filter === 2) return up;
  if (filter === 3) return (left + up) >> 1;
  const estimate = left + up - corner;
  const [a, b, c] = [Math.abs(estimate - left), Math.abs(estimate - up), Math.abs(estimate - corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

/** Whoever names a photograph like a mask must not publish it. */
function assertAreas(rows: Uint8Array, width: number, height: number, depth: number): void {
  const rowBytes = rows.length / height;
  const sampleAt = (row: number, x: number): number => {
    if (depth === 16) return (rows[row + 2 * x] as number) * 256 + (rows[row + 2 * x + 1] as number);
    const bit = x * depth;
    return ((rows[row + (bit >> 3)] as number) >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
  };
  let alike = 0;
  for (let y = 0; y < height; y++) {
    const row = y * rowBytes;
    let last = sampleAt(row, 0);
    for (let x = 1; x < width; x++) {
      const sample = sampleAt(row, x);
      if (sample === last) alike++;
      last = sample;
    }
  }
  if (alike < LEAST_ALIKE * (width - 1) * height) throw invalid('areas of one value');
}

function chunk(type: string, data: Buffer): Buffer {
  const bytes = Buffer.alloc(12 + data.length);
  bytes.writeUInt32BE(data.length, 0);
  bytes.write(type, 4, 'latin1');
  data.copy(bytes, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + data.length)), 8 + data.length);
  return bytes;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let bit = 0; bit < 8; bit++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

function crc32(bytes: Uint8Array): number {
  let c = 0xffffffff;
  for (const byte of bytes) c = (CRC_TABLE[(c ^ byte) & 0xff] as number) ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}
