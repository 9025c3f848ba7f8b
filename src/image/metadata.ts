import { SampleError } from '../errors.ts';
import { type Ifd, type IfdEntry, IfdReader } from './ifd.ts';
import { buffer } from './reader.ts';

const TAG_XMP = 700;
const TAG_IPTC = 33723;
const TAG_PHOTOSHOP = 34377;
const TAG_EXIF_IFD = 34665;
const TAG_ICC = 34675;
const TAG_GPS_IFD = 34853;
const TAG_MAKER_NOTE = 37500;

/** Kinds that single TIFF or Exif fields stand for. */
export const TAG_KINDS: ReadonlyMap<number, string> = new Map([
  [TAG_XMP, 'xmp'],
  [TAG_IPTC, 'iptc'],
  [TAG_PHOTOSHOP, 'photoshop'],
  [TAG_EXIF_IFD, 'exif'],
  [TAG_ICC, 'icc'],
  [TAG_GPS_IFD, 'gps'],
  [TAG_MAKER_NOTE, 'maker-note'],
]);

function addTagKinds(kinds: Set<string>, ifd: Ifd): void {
  for (const { tag } of ifd.entries) {
    const kind = TAG_KINDS.get(tag);
    if (kind !== undefined) kinds.add(kind);
  }
}

/** Metadata is dropped whole, whatever it holds: damage in it is no reason to refuse the picture. */
function tolerateDamage(inspect: () => void): void {
  try {
    inspect();
  } catch (error) {
    if (!(error instanceof SampleError)) throw error;
  }
}

/** Adds what the Exif directory that `pointer` leads to holds beyond `exif`, such as a maker note. */
export function addExifIfd(kinds: Set<string>, ifds: IfdReader, pointer: IfdEntry): void {
  tolerateDamage(() => addTagKinds(kinds, ifds.read(ifds.value(pointer))));
}

/** Adds the kinds found in an Exif block: a TIFF file, with or without `Exif\0\0` before it. */
export function addExif(kinds: Set<string>, block: Uint8Array): void {
  kinds.add('exif');
  const prefixed = buffer(block).toString('latin1', 0, 6) === 'Exif\0\0';
  tolerateDamage(() => {
    const ifds = new IfdReader(prefixed ? block.subarray(6) : block);
    const primary = ifds.read(ifds.first);
    addTagKinds(kinds, primary);
    if (primary.next !== 0) kinds.add('thumbnail');
    for (const entry of primary.entries) if (entry.tag === TAG_EXIF_IFD) addExifIfd(kinds, ifds, entry);
  });
}

const XMP_MARKS: readonly (readonly [mark: string, kind: string])[] = [
  ['exif:GPS', 'gps'],
  ['hdrgm:', 'gain-map'],
  ['HDRGainMap', 'gain-map'],
  ['MotionPhoto', 'motion-photo'],
  ['MicroVideo', 'motion-photo'],
  ['xmpGImg:image', 'thumbnail'],
  ['GDepth:', 'depth-map'],
];

/** Adds the kinds that an XMP packet announces. */
export function addXmp(kinds: Set<string>, packet: Uint8Array): void {
  kinds.add('xmp');
  for (const [mark, kind] of XMP_MARKS) if (buffer(packet).includes(mark, 0, 'latin1')) kinds.add(kind);
}

const PHOTOSHOP_KINDS: ReadonlyMap<number, string> = new Map([
  [0x0404, 'iptc'],
  [0x0409, 'thumbnail'],
  [0x040c, 'thumbnail'],
  [0x040f, 'icc'],
  [0x0422, 'exif'],
  [0x0424, 'xmp'],
]);

/** Adds the kinds of the image resources in a Photoshop block (`8BIM`, id, Pascal string, length, data). */
export function addPhotoshop(kinds: Set<string>, block: Uint8Array): void {
  kinds.add('photoshop');
  const data = buffer(block);
  let at = 0;
  while (at + 12 <= data.length && data.toString('latin1', at, at + 4) === '8BIM') {
    const kind = PHOTOSHOP_KINDS.get(data.readUInt16BE(at + 4));
    if (kind !== undefined) kinds.add(kind);
    const name = 1 + (data[at + 6] ?? 0);
    const sizeAt = at + 6 + name + (name % 2);
    if (sizeAt + 4 > data.length) return;
    const size = data.readUInt32BE(sizeAt);
    at = sizeAt + 4 + size + (size % 2);
  }
}

/** Adds what follows the end of a picture: always `trailing-data`, and what it is known to be. */
export function addTrailer(kinds: Set<string>, tail: Uint8Array): void {
  if (tail.length === 0) return;
  kinds.add('trailing-data');
  const data = buffer(tail);
  if (data.includes('ftyp', 0, 'latin1') || data.includes('MotionPhoto_Data', 0, 'latin1')) kinds.add('motion-photo');
  if (data.includes('\xff\xd8\xff', 0, 'latin1')) kinds.add('multi-picture');
}
