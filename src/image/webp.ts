import { type ContainerScan, sorted } from './container.ts';
import { addExif, addTrailer, addXmp } from './metadata.ts';
import { ByteReader, corrupt, truncated } from './reader.ts';

/** VP8X flag bits that a published file may set: alpha only. */
const ALPHA_FLAG = 0x10;

interface Size {
  width: number;
  height: number;
}

/** Size in the VP8 key frame header (RFC 6386, 9.1) at `at`, or in the VP8L header (RFC 9649, 3.4). */
function bitstreamSize(reader: ByteReader, type: string, at: number): Size {
  if (type === 'VP8 ') {
    if (reader.ascii(at + 3, 3) !== '\x9d\x01\x2a') throw corrupt('Expected a VP8 key frame');
    return { width: reader.u16(at + 6) & 0x3fff, height: reader.u16(at + 8) & 0x3fff };
  }
  if (reader.u8(at) !== 0x2f) throw corrupt('Expected a VP8L signature');
  const bits = reader.u32(at + 1);
  return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
}

/** State of one walk over the chunks of a RIFF file or of an animation frame. */
class WebpScan {
  readonly kinds = new Set<string>();
  readonly disallowed = new Set<string>();
  canvas: Size | undefined;
  picture: Size | undefined;
  pictures = 0;
  animationFrames = 0;
  lossless = true;

  chunk(reader: ByteReader, type: string, at: number, length: number): void {
    const data = reader.slice(at, length);
    if (type === 'VP8 ' || type === 'VP8L') {
      this.picture = bitstreamSize(reader, type, at);
      this.lossless &&= type === 'VP8L';
      if (++this.pictures > 1) this.disallowed.add('second picture');
    } else if (type === 'VP8X') {
      if (length < 10) throw corrupt('Expected a whole VP8X chunk');
      this.canvas = { width: reader.u24(at + 4) + 1, height: reader.u24(at + 7) + 1 };
      if ((reader.u8(at) & ~ALPHA_FLAG) !== 0) this.disallowed.add('VP8X flags');
    } else if (type !== 'ALPH') {
      this.disallowed.add(type.trimEnd());
      if (type === 'EXIF') addExif(this.kinds, data);
      else if (type === 'XMP ') addXmp(this.kinds, data);
      else if (type === 'ICCP') this.kinds.add('icc');
      else if (type === 'C2PA') this.kinds.add('c2pa');
      else if (type === 'ANMF') this.frame(reader, at, length);
      else if (type !== 'ANIM') this.kinds.add('other');
    }
  }

  /** A frame holds chunks of its own after a header of 16 bytes. Frames do not nest. */
  frame(reader: ByteReader, at: number, length: number): void {
    this.animationFrames++;
    for (const chunk of riffChunks(reader, at + 16, at + length)) {
      if (chunk.type === 'VP8 ' || chunk.type === 'VP8L') this.chunk(reader, chunk.type, chunk.at, chunk.length);
    }
  }
}

function* riffChunks(reader: ByteReader, from: number, end: number) {
  for (let at = from; at + 8 <= end; ) {
    const type = reader.ascii(at, 4);
    const length = reader.u32(at + 4);
    if (at + 8 + length > end) throw truncated('Expected a whole WebP chunk');
    yield { type, at: at + 8, length };
    at += 8 + length + (length % 2);
  }
}

/** WebP container (RFC 9649, 2): `RIFF`, size, `WEBP`, then chunks padded to even lengths. */
export function scanWebp(bytes: Uint8Array): ContainerScan {
  const reader = new ByteReader(bytes, true);
  const end = 8 + reader.u32(4);
  if (end > bytes.length) throw truncated(`Expected ${end} bytes of WebP but received ${bytes.length}`);
  const scan = new WebpScan();
  for (const { type, at, length } of riffChunks(reader, 12, end)) scan.chunk(reader, type, at, length);
  const { canvas, picture, animationFrames } = scan;
  if (picture === undefined) throw truncated('Expected a picture in the WebP file');
  const size = canvas ?? picture;
  if (animationFrames === 0 && (size.width !== picture.width || size.height !== picture.height)) {
    throw corrupt('Expected a WebP canvas of the size of its picture');
  }
  const tail = bytes.subarray(end);
  addTrailer(scan.kinds, tail);
  return {
    format: 'webp',
    kinds: sorted(scan.kinds),
    disallowed: sorted(scan.disallowed),
    trailingBytes: tail.length,
    frames: Math.max(1, animationFrames),
    ...size,
    lossless: scan.lossless,
  };
}
