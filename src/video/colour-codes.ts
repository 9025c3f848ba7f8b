import type { ClipColour } from './types.ts';

/** ITU-T H.273, tables 2 and 3: codes of ffmpeg's names, as containers store them. */
const PRIMARIES: Readonly<Record<string, number>> = {
  bt709: 1,
  bt470m: 4,
  bt470bg: 5,
  smpte170m: 6,
  smpte240m: 7,
  film: 8,
  bt2020: 9,
  smpte431: 11,
  smpte432: 12,
};

const TRANSFERS: Readonly<Record<string, number>> = {
  bt709: 1,
  gamma22: 4,
  gamma28: 5,
  smpte170m: 6,
  smpte240m: 7,
  linear: 8,
  'iec61966-2-1': 13,
  'bt2020-10': 14,
  'bt2020-12': 15,
  smpte2084: 16,
  'arib-std-b67': 18,
};

const UNSPECIFIED = 2;

/** What a codec that does not store them itself leaves to its container. */
export function colourCodes({ primaries = '', transfer = '' }: ClipColour): { primaries: number; transfer: number } {
  return { primaries: PRIMARIES[primaries] ?? UNSPECIFIED, transfer: TRANSFERS[transfer] ?? UNSPECIFIED };
}
