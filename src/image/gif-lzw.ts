import { type ByteReader, corrupt } from './reader.ts';

const MAX_CODES = 4096;

/**
 * Counts the pixels in a GIF's LZW data (GIF 89a, appendix F) without writing any: a table entry is only as long as
 * the string it stands for. Decoders fill up what is missing with background, so a cut file must be noticed here.
 *
 * `at` is the offset of the minimum code size, which the sub-blocks follow. Stops at `enough` pixels.
 * Throws SampleError `corrupt` when a code refers to an entry that does not exist.
 */
export function countLzwPixels(reader: ByteReader, at: number, enough: number): number {
  const codeSize = reader.u8(at);
  if (codeSize < 1 || codeSize > 11) throw corrupt(`Expected a GIF code size of 1 to 11 but received ${codeSize}`);
  const clear = 1 << codeSize;
  const lengths = new Uint16Array(MAX_CODES).fill(1, 0, clear);
  let next = clear + 2;
  let width = codeSize + 1;
  let previous = -1;
  let pixels = 0;
  let bits = 0;
  let held = 0;
  let block = at + 1;
  for (let left = reader.u8(block); left !== 0; left = reader.u8(block)) {
    const end = block + 1 + left;
    for (let i = block + 1; i < end; i++) {
      bits |= reader.u8(i) << held;
      held += 8;
      while (held >= width) {
        const code = bits & ((1 << width) - 1);
        bits >>>= width;
        held -= width;
        if (code === clear) {
          next = clear + 2;
          width = codeSize + 1;
          previous = -1;
          continue;
        }
        if (code === clear + 1) return pixels;
        if (code > next || (code === next && previous < 0)) throw corrupt('Expected GIF codes that exist');
        const isNew = previous >= 0 && next < MAX_CODES;
        if (isNew) lengths[next++] = (lengths[previous] as number) + 1;
        else if (code >= next) throw corrupt('Expected GIF codes that exist');
        pixels += lengths[code] as number;
        if (pixels >= enough) return pixels;
        previous = code;
        if (next === 1 << width && width < 12) width++;
      }
    }
    block = end;
  }
  return pixels;
}
