import { type ContainerScan, sorted } from './container.ts';
import { EOI, type JpegSegment, jpegSegments, SOI, SOS } from './jpeg-segments.ts';
import { addExif, addPhotoshop, addTrailer, addXmp } from './metadata.ts';
import { buffer, corrupt } from './reader.ts';

const APP0 = 0xe0;
const APP15 = 0xef;
const COM = 0xfe;
const DQT = 0xdb;
const DHT = 0xc4;
const DRI = 0xdd;
const SOF0 = 0xc0;

const XMP = 'http://ns.adobe.com/xap/1.0/\0';
const XMP_EXTENSION = 'http://ns.adobe.com/xmp/extension/\0';
const ISO_GAIN_MAP = 'urn:iso:std:iso:ts:21496:-1\0';

/** Progressive files have some ten scans; each costs the decoder a pass over the whole picture. */
const MAX_SCANS = 100;

/** Length of a JFIF APP0 payload without thumbnail. */
const JFIF_LENGTH = 14;

/** SOF0 to SOF15 without DHT, JPG and DAC, which share the range. */
function isFrameHeader(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== DHT && marker !== 0xc8 && marker !== 0xcc;
}

/** Lossless, hierarchical processes of ITU-T T.81: SOF3, SOF7, SOF11, SOF15. */
function isLosslessProcess(marker: number): boolean {
  return isFrameHeader(marker) && (marker & 3) === 3;
}

function isPlainJfif({ marker, payload }: JpegSegment): boolean {
  return marker === APP0 && startsWith(payload, 'JFIF\0') && payload.length === JFIF_LENGTH;
}

function startsWith(payload: Uint8Array, text: string): boolean {
  return payload.length >= text.length && buffer(payload).toString('latin1', 0, text.length) === text;
}

function addKinds(kinds: Set<string>, { marker, payload }: JpegSegment): void {
  if (marker === COM) kinds.add('comment');
  if (marker < APP0 || marker > APP15) return;
  if (startsWith(payload, 'Exif\0')) addExif(kinds, payload.subarray(6));
  else if (startsWith(payload, XMP)) addXmp(kinds, payload.subarray(XMP.length));
  else if (startsWith(payload, XMP_EXTENSION)) addXmp(kinds, payload.subarray(XMP_EXTENSION.length));
  else if (startsWith(payload, 'ICC_PROFILE\0')) kinds.add('icc');
  else if (startsWith(payload, 'MPF\0')) kinds.add('multi-picture');
  else if (startsWith(payload, ISO_GAIN_MAP)) kinds.add('gain-map');
  else if (startsWith(payload, 'Photoshop 3.0\0')) addPhotoshop(kinds, payload.subarray(14));
  else if (startsWith(payload, 'JFXX\0')) kinds.add('jfxx').add('thumbnail');
  else if (startsWith(payload, 'JFIF\0')) {
    if (payload.length > JFIF_LENGTH) kinds.add('thumbnail');
  } else if (payload.length > 8 && buffer(payload).includes('c2pa', 0, 'latin1')) kinds.add('c2pa');
  else if (!startsWith(payload, 'Adobe')) kinds.add('other');
}

/** Published JPEGs are baseline, with at most a JFIF header that carries no thumbnail. */
function isAllowed(segment: JpegSegment): boolean {
  return [SOI, EOI, SOS, DQT, DHT, DRI, SOF0].includes(segment.marker) || isPlainJfif(segment);
}

function segmentName(marker: number): string {
  if (marker >= APP0 && marker <= APP15) return `APP${marker - APP0}`;
  if (marker === COM) return 'COM';
  if (isFrameHeader(marker)) return `SOF${marker - SOF0}`;
  return `marker ${marker.toString(16)}`;
}

export function scanJpeg(bytes: Uint8Array): ContainerScan {
  const kinds = new Set<string>();
  const disallowed = new Set<string>();
  let size: { width: number; height: number; lossless: boolean } | undefined;
  let scans = 0;
  let end = 0;
  for (const segment of jpegSegments(bytes)) {
    const { marker, payload, extraneous } = segment;
    addKinds(kinds, segment);
    if (!isAllowed(segment)) disallowed.add(segmentName(marker));
    if (extraneous > 0) {
      kinds.add('trailing-data');
      disallowed.add('extraneous bytes');
    }
    if (isFrameHeader(marker)) {
      if (size !== undefined) throw corrupt('Expected one JPEG frame header but received several');
      if (payload.length < 6) throw corrupt('Expected a whole JPEG frame header');
      const header = buffer(payload);
      size = { width: header.readUInt16BE(3), height: header.readUInt16BE(1), lossless: isLosslessProcess(marker) };
    }
    if (marker === SOS && ++scans > MAX_SCANS) throw corrupt(`Expected at most ${MAX_SCANS} JPEG scans`);
    end = segment.end;
  }
  if (size === undefined || scans === 0) throw corrupt('Expected a JPEG frame header and a scan');
  addTrailer(kinds, bytes.subarray(end));
  return {
    format: 'jpeg',
    kinds: sorted(kinds),
    disallowed: sorted(disallowed),
    trailingBytes: bytes.length - end,
    frames: 1,
    ...size,
  };
}

/**
 * A copy of the picture from SOI to EOI without the stray bytes between its segments. Decoders skip those
 * bytes but warn as they do for damaged pixels, so they have to go before warnings can be taken for errors.
 */
export function withoutExtraneousBytes(bytes: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const { at, end } of jpegSegments(bytes)) parts.push(bytes.subarray(at, end));
  return Buffer.concat(parts);
}

/** Root mean square of the steps in the first quantisation table, which is luma's; 0 without a table. */
export function lumaQuantiser(bytes: Uint8Array): number {
  for (const { marker, payload } of jpegSegments(bytes)) {
    if (marker !== DQT || payload.length < 65) continue;
    const is16Bit = (payload[0] as number) >> 4 !== 0;
    let sum = 0;
    for (let i = 0; i < 64; i++) {
      const step =
        is16Bit && payload.length >= 129 ? buffer(payload).readUInt16BE(1 + 2 * i) : (payload[1 + i] as number);
      sum += step ** 2;
    }
    return Math.sqrt(sum / 64);
  }
  return 0;
}
