import { ByteReader, buffer, corrupt, truncated } from './reader.ts';

export const SOI = 0xd8;
export const EOI = 0xd9;
export const SOS = 0xda;

export interface JpegSegment {
  /** Second byte of the marker, such as 0xe1 for APP1. */
  readonly marker: number;
  /** Offset of the marker's 0xff. */
  readonly at: number;
  /** Payload without the length field; empty for SOI and EOI. */
  readonly payload: Uint8Array;
  /** Offset after the segment; for SOS, after its entropy-coded data. */
  readonly end: number;
  /** Bytes before this marker that belong to no segment. */
  readonly extraneous: number;
}

/** Offset of the marker that ends the entropy-coded data at `from` (ITU-T T.81, B.1.1.5), or the data's length. */
function entropyEnd(bytes: Uint8Array, from: number): number {
  const data = buffer(bytes);
  for (let at = data.indexOf(0xff, from); at >= 0 && at + 1 < data.length; at = data.indexOf(0xff, at + 1)) {
    const next = data[at + 1] as number;
    const isRestart = next >= 0xd0 && next <= 0xd7;
    if (next !== 0 && next !== 0xff && !isRestart) return at;
  }
  return data.length;
}

/** Whether a marker stands alone, without a length: TEM and RST0 to RST7. */
function isParameterless(marker: number): boolean {
  return marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7);
}

/**
 * Walks the segments of one JPEG picture, from SOI to the first EOI.
 * Stray bytes between segments are skipped and reported, as decoders do.
 */
export function* jpegSegments(bytes: Uint8Array): Generator<JpegSegment> {
  const reader = new ByteReader(bytes);
  if (!reader.startsWith('\xff\xd8', 0)) throw corrupt('Expected a JPEG to begin with SOI');
  yield { marker: SOI, at: 0, payload: bytes.subarray(0, 0), end: 2, extraneous: 0 };
  let end = 2;
  for (;;) {
    let at = end;
    while (at + 1 < bytes.length && !(bytes[at] === 0xff && bytes[at + 1] !== 0xff && bytes[at + 1] !== 0)) at++;
    if (at + 1 >= bytes.length) throw truncated('Expected a JPEG to end with EOI');
    const marker = reader.u8(at + 1);
    const extraneous = countNonFill(bytes, end, at);
    if (marker === SOI) throw corrupt('Expected one SOI before EOI');
    if (marker === EOI) {
      yield { marker, at, payload: bytes.subarray(0, 0), end: at + 2, extraneous };
      return;
    }
    if (isParameterless(marker)) {
      yield { marker, at, payload: bytes.subarray(0, 0), end: at + 2, extraneous };
      end = at + 2;
      continue;
    }
    const length = reader.u16(at + 2);
    if (length < 2) throw corrupt(`Expected a JPEG segment length of at least 2 but received ${length}`);
    const payload = reader.slice(at + 4, length - 2);
    end = at + 2 + length;
    if (marker === SOS) end = entropyEnd(bytes, end);
    yield { marker, at, payload, end, extraneous };
  }
}

/** 0xff before a marker is legal fill; anything else is not. */
function countNonFill(bytes: Uint8Array, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at++) if (bytes[at] !== 0xff) count++;
  return count;
}
