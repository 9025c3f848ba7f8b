import { ByteReader, corrupt } from './reader.ts';

/** One field of a TIFF image file directory (TIFF 6.0, section 2; BigTIFF). */
export interface IfdEntry {
  readonly tag: number;
  readonly type: number;
  readonly count: number;
  /** Offset and length in bytes of the values, inside the entry itself when they fit. */
  readonly valueAt: number;
  readonly valueLength: number;
  readonly inline: boolean;
}

export interface Ifd {
  readonly start: number;
  readonly end: number;
  readonly entries: readonly IfdEntry[];
  /** Offset of the next directory in the chain, 0 for none. */
  readonly next: number;
}

const TYPE_SIZE = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8];

/** Directories may overlap or lead back to themselves; both limits end such a walk. */
const MAX_DIRECTORIES = 4096;
const MAX_ENTRIES = 65_536;

/** Reads image file directories; a reader of one file counts what it has read over all of them. */
export class IfdReader {
  readonly reader: ByteReader;
  readonly first: number;
  readonly headerLength: number;
  readonly #big: boolean;
  #directories = 0;
  #entries = 0;

  /** Throws SampleError `corrupt` or `truncated` when `bytes` do not begin with a TIFF header. */
  constructor(bytes: Uint8Array) {
    const order = new ByteReader(bytes).ascii(0, 2);
    if (order !== 'II' && order !== 'MM') throw corrupt('Expected a TIFF byte order mark');
    this.reader = new ByteReader(bytes, order === 'II');
    const version = this.reader.u16(2);
    if (version !== 42 && version !== 43) throw corrupt(`Expected TIFF version 42 or 43 but received ${version}`);
    this.#big = version === 43;
    this.headerLength = this.#big ? 16 : 8;
    this.first = this.#offset(this.#big ? 8 : 4);
  }

  #offset(at: number): number {
    return this.#big ? this.reader.u64(at) : this.reader.u32(at);
  }

  /** Reads the directory at `start`. Throws SampleError `corrupt` when the file has had too many. */
  read(start: number): Ifd {
    if (++this.#directories > MAX_DIRECTORIES) {
      throw corrupt(`Expected at most ${MAX_DIRECTORIES} TIFF directories, and none that leads back to itself`);
    }
    const [countSize, entrySize] = this.#big ? [8, 20] : [2, 12];
    const count = this.#big ? this.reader.u64(start) : this.reader.u16(start);
    this.#entries += count;
    if (this.#entries > MAX_ENTRIES) throw corrupt(`Expected at most ${MAX_ENTRIES} TIFF fields`);
    const last = start + countSize + count * entrySize;
    this.reader.require(start, last - start);
    const entries: IfdEntry[] = [];
    for (let at = start + countSize; at < last; at += entrySize) entries.push(this.#entry(at));
    // Exif writers often leave out the link after the last directory.
    const linked = last + (this.#big ? 8 : 4) <= this.reader.length;
    return {
      start,
      end: linked ? last + (this.#big ? 8 : 4) : last,
      entries,
      next: linked ? this.#offset(last) : 0,
    };
  }

  #entry(at: number): IfdEntry {
    const tag = this.reader.u16(at);
    const type = this.reader.u16(at + 2);
    const count = this.#offset(at + 4);
    const field = this.#big ? 12 : 8;
    const valueLength = count * (TYPE_SIZE[type] ?? 0);
    const inline = valueLength <= (this.#big ? 8 : 4);
    return { tag, type, count, valueLength, inline, valueAt: inline ? at + field : this.#offset(at + field) };
  }

  /** The `index`-th unsigned integer of a BYTE, SHORT, LONG, LONG8 or IFD field. */
  value(entry: IfdEntry, index = 0): number {
    const size = TYPE_SIZE[entry.type] ?? 0;
    const at = entry.valueAt + index * size;
    if (index >= entry.count) throw corrupt(`Expected more than ${index} values in TIFF field ${entry.tag}`);
    if (size === 1) return this.reader.u8(at);
    if (size === 2) return this.reader.u16(at);
    if (size === 4) return this.reader.u32(at);
    if (size === 8) return this.reader.u64(at);
    throw corrupt(`Expected an integer type in TIFF field ${entry.tag} but received type ${entry.type}`);
  }
}
