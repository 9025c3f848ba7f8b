import { type ContainerScan, sorted } from './container.ts';
import { Extents } from './extents.ts';
import { type Ifd, type IfdEntry, IfdReader } from './ifd.ts';
import { addExifIfd, addTrailer, addXmp, TAG_KINDS } from './metadata.ts';
import { corrupt } from './reader.ts';

const NEW_SUBFILE_TYPE = 254;
const IMAGE_WIDTH = 256;
const IMAGE_LENGTH = 257;
const COMPRESSION = 259;
const STRIP_OFFSETS = 273;
const STRIP_BYTE_COUNTS = 279;
const TILE_OFFSETS = 324;
const TILE_BYTE_COUNTS = 325;
const SUB_IFDS = 330;
const XMP = 700;
const EXIF_IFD = 34665;
const GPS_IFD = 34853;

/** Strips and tiles over all pages: a million rows, or tiles of 16 × 16 in 268 megapixels. */
const MAX_PARTS = 2 ** 20;

const REDUCED_RESOLUTION = 1;
const TRANSPARENCY_MASK = 4;

/** JPEG (old, new), lossy DNG, JPEG 2000 (three codes), WebP and JPEG XL inside TIFF may lose detail. */
const LOSSY_COMPRESSIONS = new Set([6, 7, 33003, 33005, 34712, 34892, 50001, 50002, 52546]);

/**
 * What a published TIFF may hold: the fields that say how to decode the pixels, and the resolution
 * (282, 283, 296), which is the same in every file.
 */
const ALLOWED = new Set([
  254, 256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 282, 283, 284, 296, 317, 322, 323, 324, 325, 338, 339,
]);

/** Free text: document, description, make, model, page, software, date, artist, host, copyright. */
const TEXT_TAGS = new Set([269, 270, 271, 272, 285, 305, 306, 315, 316, 33432]);

/** Further fields that only say how to decode pixels; read, not published, and not metadata. */
const DECODING_TAGS = new Set([
  255, 292, 293, 320, 321, 330, 332, 333, 334, 336, 347, 512, 513, 514, 529, 530, 531, 532,
]);

function findEntry(ifd: Ifd, tag: number): IfdEntry | undefined {
  return ifd.entries.find((entry) => entry.tag === tag);
}

function numberOf(ifds: IfdReader, ifd: Ifd, tag: number): number | undefined {
  const entry = findEntry(ifd, tag);
  return entry === undefined || entry.count === 0 ? undefined : ifds.value(entry);
}

/** State of one walk over the directories of a file. */
class TiffScan {
  readonly ifds: IfdReader;
  readonly kinds = new Set<string>();
  readonly disallowed = new Set<string>();
  readonly extents = new Extents();
  #parts = 0;

  constructor(bytes: Uint8Array) {
    this.ifds = new IfdReader(bytes);
    this.extents.add(0, this.ifds.headerLength);
  }

  directory(start: number): Ifd {
    const ifd = this.ifds.read(start);
    this.extents.add(ifd.start, ifd.end - ifd.start);
    for (const entry of ifd.entries) this.field(entry);
    this.pixels(findEntry(ifd, STRIP_OFFSETS), findEntry(ifd, STRIP_BYTE_COUNTS));
    this.pixels(findEntry(ifd, TILE_OFFSETS), findEntry(ifd, TILE_BYTE_COUNTS));
    return ifd;
  }

  field(entry: IfdEntry): void {
    const { tag, valueAt, valueLength } = entry;
    this.ifds.reader.require(valueAt, valueLength);
    if (!entry.inline) this.extents.add(valueAt, valueLength);
    if (ALLOWED.has(tag)) return;
    this.disallowed.add(`tag ${tag}`);
    // Fields may share their bytes: one packet is searched, for linear time.
    if (tag === XMP && !this.kinds.has('xmp')) addXmp(this.kinds, this.ifds.reader.slice(valueAt, valueLength));
    const kind = TAG_KINDS.get(tag);
    if (kind !== undefined) this.kinds.add(kind);
    else if (TEXT_TAGS.has(tag)) this.kinds.add('text');
    else if (!DECODING_TAGS.has(tag)) this.kinds.add('other');
    if (tag === EXIF_IFD) addExifIfd(this.kinds, this.ifds, entry);
    if (tag === GPS_IFD) this.kinds.add('exif');
  }

  pixels(offsets: IfdEntry | undefined, counts: IfdEntry | undefined): void {
    if (offsets === undefined || counts === undefined) return;
    const count = Math.min(offsets.count, counts.count);
    this.#parts += count;
    if (this.#parts > MAX_PARTS) throw corrupt(`Expected at most ${MAX_PARTS} TIFF strips and tiles`);
    for (let i = 0; i < count; i++) {
      const start = this.ifds.value(offsets, i);
      const length = this.ifds.value(counts, i);
      this.ifds.reader.require(start, length);
      this.extents.add(start, length);
    }
  }
}

/**
 * TIFF 6.0 and BigTIFF: a chain of image file directories. Reduced-resolution pages and masks are dropped;
 * any other further page counts as a frame. Bytes that no directory refers to count as disallowed.
 */
export function scanTiff(bytes: Uint8Array): ContainerScan {
  const scan = new TiffScan(bytes);
  const { ifds, kinds, disallowed, extents } = scan;
  const first = scan.directory(ifds.first);
  let frames = 1;
  // A reduced-resolution first page (DNG, some cameras) means that the picture itself is elsewhere.
  if (((numberOf(ifds, first, NEW_SUBFILE_TYPE) ?? 0) & REDUCED_RESOLUTION) !== 0) frames = 2;
  for (let next = first.next; next !== 0; ) {
    const page = scan.directory(next);
    const subfile = numberOf(ifds, page, NEW_SUBFILE_TYPE) ?? 0;
    if ((subfile & REDUCED_RESOLUTION) !== 0) kinds.add('thumbnail');
    else if ((subfile & TRANSPARENCY_MASK) !== 0) kinds.add('other');
    else frames++;
    disallowed.add('second page');
    next = page.next;
  }
  const subIfds = findEntry(first, SUB_IFDS);
  for (let i = 0; i < (subIfds?.count ?? 0); i++) {
    scan.directory(ifds.value(subIfds as IfdEntry, i));
    kinds.add('thumbnail');
  }
  const width = numberOf(ifds, first, IMAGE_WIDTH);
  const height = numberOf(ifds, first, IMAGE_LENGTH);
  if (width === undefined || height === undefined) throw corrupt('Expected width and length in the TIFF directory');
  const { end } = extents;
  if (extents.uncovered(0, end, 4) > 0) disallowed.add('unreferenced bytes');
  const tail = bytes.subarray(end);
  addTrailer(kinds, tail);
  return {
    format: 'tiff',
    kinds: sorted(kinds),
    disallowed: sorted(disallowed),
    trailingBytes: tail.length,
    frames,
    width,
    height,
    lossless: !LOSSY_COMPRESSIONS.has(numberOf(ifds, first, COMPRESSION) ?? 1),
  };
}
