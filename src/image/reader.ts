import { SampleError } from '../errors.ts';

export function truncated(message: string): SampleError {
  return new SampleError('decode', 'truncated', message);
}

export function corrupt(message: string): SampleError {
  return new SampleError('decode', 'corrupt', message);
}

/** Bounds-checked reads: whatever a header claims, a read beyond the data throws SampleError `truncated`. */
export class ByteReader {
  readonly bytes: Uint8Array;
  readonly length: number;
  readonly littleEndian: boolean;
  readonly #view: DataView;

  constructor(bytes: Uint8Array, littleEndian = false) {
    this.bytes = bytes;
    this.length = bytes.length;
    this.littleEndian = littleEndian;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Throws unless `[at, at + length)` lies inside the data. */
  require(at: number, length: number): void {
    if (!(at >= 0 && length >= 0 && at + length <= this.length)) {
      throw truncated(`Expected ${length} bytes at offset ${at} but received ${this.length} bytes in all`);
    }
  }

  u8(at: number): number {
    this.require(at, 1);
    return this.#view.getUint8(at);
  }

  u16(at: number): number {
    this.require(at, 2);
    return this.#view.getUint16(at, this.littleEndian);
  }

  u24(at: number): number {
    this.require(at, 3);
    const [a, b, c] = [this.#view.getUint8(at), this.#view.getUint8(at + 1), this.#view.getUint8(at + 2)];
    return this.littleEndian ? a | (b << 8) | (c << 16) : (a << 16) | (b << 8) | c;
  }

  u32(at: number): number {
    this.require(at, 4);
    return this.#view.getUint32(at, this.littleEndian);
  }

  /** Exact up to 2^53; larger values lose their low bits, and are out of bounds anyway. */
  u64(at: number): number {
    const [first, second] = [this.u32(at), this.u32(at + 4)];
    return this.littleEndian ? second * 2 ** 32 + first : first * 2 ** 32 + second;
  }

  /** `length` bytes as Latin-1 text. */
  ascii(at: number, length: number): string {
    this.require(at, length);
    return buffer(this.bytes).toString('latin1', at, at + length);
  }

  /** Whether `text` (Latin-1) stands at `at`; false when the data ends before. */
  startsWith(text: string, at: number): boolean {
    return at >= 0 && at + text.length <= this.length && this.ascii(at, text.length) === text;
  }

  /** A view, not a copy. */
  slice(at: number, length: number): Uint8Array {
    this.require(at, length);
    return this.bytes.subarray(at, at + length);
  }
}

/** The same memory as a Node buffer, for its native searches. */
export function buffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
