import { type ContainerScan, sorted } from './container.ts';
import { countLzwPixels } from './gif-lzw.ts';
import { addTrailer, addXmp } from './metadata.ts';
import { ByteReader, corrupt, truncated } from './reader.ts';

const EXTENSION = 0x21;
const IMAGE = 0x2c;
const TRAILER = 0x3b;

const GRAPHIC_CONTROL = 0xf9;
const COMMENT = 0xfe;
const PLAIN_TEXT = 0x01;
const APPLICATION = 0xff;

const EXTENSION_NAMES: ReadonlyMap<number, string> = new Map([
  [COMMENT, 'comment extension'],
  [PLAIN_TEXT, 'plain text extension'],
  [APPLICATION, 'application extension'],
]);

/** Bytes of a colour table whose packed flags are `flags`: none, or 2^(n+1) RGB entries. */
function tableLength(flags: number): number {
  return (flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1);
}

/** Offset after a chain of sub-blocks: length, data, …, a zero length. */
function skipSubBlocks(reader: ByteReader, from: number): number {
  let at = from;
  for (let length = reader.u8(at); length !== 0; length = reader.u8(at)) at += 1 + length;
  return at + 1;
}

function addKinds(kinds: Set<string>, reader: ByteReader, label: number, at: number, end: number): void {
  if (label === GRAPHIC_CONTROL) return;
  if (label === COMMENT) kinds.add('comment');
  else if (label === PLAIN_TEXT) kinds.add('text');
  else if (reader.startsWith('XMP DataXMP', at + 1)) addXmp(kinds, reader.slice(at, end - at));
  else if (reader.startsWith('ICCRGBG1012', at + 1)) kinds.add('icc');
  else kinds.add('other');
}

/** Graphics Interchange Format, version 89a. A published file has graphic control and image blocks only. */
export function scanGif(bytes: Uint8Array): ContainerScan {
  const reader = new ByteReader(bytes, true);
  const kinds = new Set<string>();
  const disallowed = new Set<string>();
  const width = reader.u16(6);
  const height = reader.u16(8);
  let frames = 0;
  let at = 13 + tableLength(reader.u8(10));
  for (;;) {
    const block = reader.u8(at);
    if (block === TRAILER) break;
    if (block === EXTENSION) {
      const label = reader.u8(at + 1);
      const end = skipSubBlocks(reader, at + 2);
      addKinds(kinds, reader, label, at + 2, end);
      if (label !== GRAPHIC_CONTROL) disallowed.add(EXTENSION_NAMES.get(label) ?? `extension ${label}`);
      at = end;
    } else if (block === IMAGE) {
      // Nine bytes of descriptor, an optional colour table, the LZW code size, the data.
      const codes = at + 10 + tableLength(reader.u8(at + 9));
      const pixels = reader.u16(at + 5) * reader.u16(at + 7);
      at = skipSubBlocks(reader, codes + 1);
      if (++frames > 1) continue;
      const stored = countLzwPixels(reader, codes, pixels);
      if (stored < pixels) throw truncated(`Expected ${pixels} GIF pixels but received ${stored}`);
    } else throw corrupt(`Expected a GIF block but received 0x${block.toString(16)}`);
  }
  if (frames === 0) throw truncated('Expected an image in the GIF file');
  const end = at + 1;
  addTrailer(kinds, bytes.subarray(end));
  return {
    format: 'gif',
    kinds: sorted(kinds),
    disallowed: sorted(disallowed),
    trailingBytes: bytes.length - end,
    frames,
    width,
    height,
    lossless: true,
  };
}
