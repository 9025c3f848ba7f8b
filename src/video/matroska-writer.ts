import type { Rational } from './types.ts';

// Matroska (RFC 9559) with one video track, one frame a cluster and time stamps in nanoseconds: the only common
// container that ffmpeg reads from a pipe and that is both simple to write and exact about time.

const NANOSECONDS = 1_000_000_000n;

export interface MatroskaTrack {
  /** Such as `V_MPEG4/ISO/AVC`. */
  readonly codecId: string;
  readonly codecPrivate?: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** Left out when the codec's own header has it, which is more exact than what ffmpeg makes of a display size. */
  readonly pixelAspect?: Rational;
  /** Codes of ITU-T H.273; likewise. */
  readonly colour?: { readonly primaries: number; readonly transfer: number };
}

export interface MatroskaFrame {
  readonly data: Uint8Array;
  /** Nanoseconds. */
  readonly time: bigint;
  readonly duration: bigint;
  readonly key: boolean;
}

/** Ticks of a time base in nanoseconds, rounded. Time bases of half a microsecond and more come back exactly. */
export function nanoseconds(ticks: number, { num, den }: Rational): bigint {
  const scaled = BigInt(ticks) * BigInt(num) * NANOSECONDS;
  return (2n * scaled + BigInt(den)) / (2n * BigInt(den));
}

/** Everything before the first frame. */
export function matroskaHeader(track: MatroskaTrack): Buffer {
  const { codecId, codecPrivate, height, width } = track;
  const header = element('1a45dfa3', [
    uint('4286', 1),
    uint('42f7', 1),
    uint('42f2', 4),
    uint('42f3', 8),
    element('4282', [Buffer.from('matroska')]),
    uint('4287', 4),
    uint('4285', 2),
  ]);
  const info = element('1549a966', [
    uint('2ad7b1', 1),
    element('4d80', [Buffer.from('anonymize')]),
    element('5741', [Buffer.from('anonymize')]),
  ]);
  const video = element('e0', [uint('b0', width), uint('ba', height), ...displaySize(track), ...colourOf(track)]);
  const entry = element('ae', [
    uint('d7', 1),
    uint('73c5', 1),
    uint('83', 1),
    uint('9c', 0),
    element('22b59c', [Buffer.from('und')]),
    element('86', [Buffer.from(codecId)]),
    ...(codecPrivate === undefined ? [] : [element('63a2', [codecPrivate])]),
    video,
  ]);
  // A segment of unknown length: it ends with the stream.
  const segment = Buffer.from('1853806701ffffffffffffff', 'hex');
  return Buffer.concat([header, segment, info, element('1654ae6b', [entry])]);
}

/** As a ratio (3), or unknown (4). */
function displaySize({ height, pixelAspect, width }: MatroskaTrack): Buffer[] {
  if (pixelAspect === undefined) return [uint('54b2', 4)];
  return [uint('54b0', width * pixelAspect.num), uint('54ba', height * pixelAspect.den), uint('54b2', 3)];
}

function colourOf({ colour }: MatroskaTrack): Buffer[] {
  if (colour === undefined) return [];
  return [element('55b0', [uint('55ba', colour.transfer), uint('55bb', colour.primaries)])];
}

/** One frame as a cluster of its own. */
export function matroskaCluster({ data, duration, key, time }: MatroskaFrame): Buffer {
  // Track 1, 0 ns after the time of the cluster, no lacing.
  const block = element('a1', [Buffer.from([0x81, 0, 0, 0]), data]);
  // What refers to another block is no key frame.
  const reference = key ? [] : [element('fb', [Buffer.from([0xff])])];
  return element('1f43b675', [uint('e7', time), element('a0', [block, uint('9b', duration), ...reference])]);
}

function uint(id: string, value: number | bigint): Buffer {
  const digits = value.toString(16);
  return element(id, [Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex')]);
}

/** An element with a length of eight bytes. */
function element(id: string, parts: readonly Uint8Array[]): Buffer {
  const head = Buffer.alloc(id.length / 2 + 8);
  head.write(id, 'hex');
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  head.writeBigUInt64BE((1n << 56n) | BigInt(length), id.length / 2);
  return Buffer.concat([head, ...parts]);
}
