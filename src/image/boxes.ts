import { type ByteReader, corrupt } from './reader.ts';

/** A box of ISO/IEC 14496-12: `start` and `end` bound its payload. */
export interface Box {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  /** The box has no printable type, or claims to be longer than what holds it; it is the last one then. */
  readonly overflows: boolean;
}

/** The boxes side by side in `[from, to)`; a tail shorter than a box header ends the walk as an overflow. */
export function* boxes(reader: ByteReader, from: number, to: number): Generator<Box> {
  for (let at = from; at < to; ) {
    if (at + 8 > to) {
      yield { type: '', start: at, end: to, overflows: true };
      return;
    }
    const type = reader.ascii(at + 4, 4);
    let size = reader.u32(at);
    let header = 8;
    if (size === 1 && at + 16 <= to) {
      size = reader.u64(at + 8);
      header = 16;
    } else if (size === 0) size = to - at;
    const fits = size >= header && at + size <= to && /^[ -~]{4}$/.test(type);
    yield { type, start: at + header, end: fits ? at + size : to, overflows: !fits };
    if (!fits) return;
    at += size;
  }
}

export function child(list: readonly Box[], type: string): Box | undefined {
  const box = list.find((candidate) => candidate.type === type);
  if (box?.overflows) throw corrupt(`Expected the '${type}' box to fit in its parent`);
  return box;
}

/** Reads fields one after the other, inside one box. */
export class Cursor {
  readonly reader: ByteReader;
  at: number;
  readonly end: number;

  constructor(reader: ByteReader, at: number, end: number) {
    this.reader = reader;
    this.at = at;
    this.end = end;
  }

  /** An unsigned integer of 0, 1, 2, 4 or 8 bytes. */
  uint(size: number): number {
    const { at, reader } = this;
    if (at + size > this.end) throw corrupt('Expected an AVIF box to hold all its fields');
    this.at += size;
    if (size === 0) return 0;
    if (size === 1) return reader.u8(at);
    if (size === 2) return reader.u16(at);
    if (size === 4) return reader.u32(at);
    if (size === 8) return reader.u64(at);
    throw corrupt(`Expected an AVIF field of 0, 4 or 8 bytes but received ${size}`);
  }

  text(size: number): string {
    if (size < 0 || this.at + size > this.end) throw corrupt('Expected an AVIF box to hold all its text');
    this.at += size;
    return this.reader.ascii(this.at - size, size);
  }
}

/** A cursor after the version and flags of a full box. */
export function fullBox(reader: ByteReader, box: Box): { cursor: Cursor; version: number; flags: number } {
  const cursor = new Cursor(reader, box.start, box.end);
  const word = cursor.uint(4);
  return { cursor, version: word >>> 24, flags: word & 0xffffff };
}
