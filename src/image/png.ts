import { type ContainerScan, sorted } from './container.ts';
import { addExif, addTrailer, addXmp } from './metadata.ts';
import { ByteReader, buffer, corrupt, truncated } from './reader.ts';

/** What sharp writes for an image of unknown resolution: one pixel per millimetre. The same in every file. */
const FIXED_DENSITY = [0, 0, 0x03, 0xe8, 0, 0, 0x03, 0xe8, 1];

const KINDS: ReadonlyMap<string, string> = new Map([
  ['tEXt', 'text'],
  ['zTXt', 'text'],
  ['iTXt', 'text'],
  ['iCCP', 'icc'],
  ['tIME', 'time'],
  ['caBX', 'c2pa'],
]);

/** Animation: reported as frames. */
const ANIMATION = new Set(['acTL', 'fcTL', 'fdAT']);

const XMP_KEYWORD = 'XML:com.adobe.xmp';

function addKinds(kinds: Set<string>, type: string, data: Uint8Array): void {
  const kind = KINDS.get(type);
  if (kind !== undefined) kinds.add(kind);
  else if (type === 'eXIf') addExif(kinds, data);
  else if (!ANIMATION.has(type)) kinds.add('other');
  if (kind !== 'text') return;
  const keyword = buffer(data).toString('latin1', 0, 80).split('\0')[0] ?? '';
  if (keyword === XMP_KEYWORD) addXmp(kinds, data);
  // ImageMagick and exiftool keep blocks of other formats as hexadecimal text.
  else if (keyword.startsWith('Raw profile type ')) {
    const block = keyword.slice('Raw profile type '.length).toLowerCase();
    if (['exif', 'iptc', 'xmp', 'icc'].includes(block)) kinds.add(block);
    if (block === 'app1') kinds.add('exif');
  }
}

function isAllowed(type: string, data: Uint8Array): boolean {
  if (type === 'pHYs') return data.length === FIXED_DENSITY.length && FIXED_DENSITY.every((b, i) => data[i] === b);
  return ['IHDR', 'PLTE', 'IDAT', 'IEND', 'tRNS'].includes(type);
}

/** Portable Network Graphics (third edition): chunks of length, type, data, CRC; `acTL`, `fcTL`, `fdAT` animate. */
export function scanPng(bytes: Uint8Array): ContainerScan {
  const reader = new ByteReader(bytes);
  const kinds = new Set<string>();
  const disallowed = new Set<string>();
  let size: { width: number; height: number } | undefined;
  let frames = 1;
  let frameControls = 0;
  let hasPixels = false;
  for (let at = 8; ; ) {
    const length = reader.u32(at);
    const type = reader.ascii(at + 4, 4);
    if (!/^[A-Za-z]{4}$/.test(type)) throw corrupt('Expected a PNG chunk type of four letters');
    const data = reader.slice(at + 8, length);
    reader.require(at + 8 + length, 4);
    at += 12 + length;
    if (!isAllowed(type, data)) {
      addKinds(kinds, type, data);
      disallowed.add(type);
    }
    if (size === undefined) {
      if (type !== 'IHDR' || length !== 13) throw corrupt('Expected a PNG to begin with IHDR');
      size = { width: reader.u32(16), height: reader.u32(20) };
    } else if (type === 'IHDR') throw corrupt('Expected one IHDR but received several');
    if (type === 'IDAT') hasPixels = true;
    else if (type === 'acTL' && length >= 4) frames = Math.max(frames, buffer(data).readUInt32BE(0));
    else if (type === 'fcTL') frames = Math.max(frames, ++frameControls);
    else if (type === 'fdAT') frames = Math.max(frames, 2);
    if (type !== 'IEND') continue;
    if (!hasPixels) throw truncated('Expected PNG pixels before IEND');
    addTrailer(kinds, bytes.subarray(at));
    return {
      format: 'png',
      kinds: sorted(kinds),
      disallowed: sorted(disallowed),
      trailingBytes: bytes.length - at,
      frames,
      ...size,
      lossless: true,
    };
  }
}
