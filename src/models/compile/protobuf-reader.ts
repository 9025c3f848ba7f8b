import { ModelError } from '../../errors.ts';

const WIRE_VARINT = 0;
const WIRE_FIXED64 = 1;
const WIRE_LENGTH_DELIMITED = 2;
const WIRE_FIXED32 = 5;
const MAX_VARINT_BYTES = 10;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** One field of a Protocol Buffers message; the accessors refuse a field of another wire type. */
export class ProtoField {
  readonly number: number;
  readonly #value: bigint | Uint8Array;
  readonly #wireType: number;

  constructor(number: number, wireType: number, value: bigint | Uint8Array) {
    this.number = number;
    this.#wireType = wireType;
    this.#value = value;
  }

  bytes(): Uint8Array {
    if (this.#wireType !== WIRE_LENGTH_DELIMITED) throw this.#mismatch('bytes');
    return this.#value as Uint8Array;
  }

  string(): string {
    try {
      return utf8.decode(this.bytes());
    } catch (cause) {
      if (cause instanceof ModelError) throw cause;
      throw new ModelError(`Expected text in UTF-8 for field ${this.number} but received other bytes`, { cause });
    }
  }

  /** int32, int64 or enum. */
  int(): number {
    if (this.#wireType !== WIRE_VARINT) throw this.#mismatch('an integer');
    return safeInteger(BigInt.asIntN(64, this.#value as bigint), this.number);
  }

  float(): number {
    if (this.#wireType !== WIRE_FIXED32) throw this.#mismatch('a float');
    return viewOf(this.#value as Uint8Array).getFloat32(0, true);
  }

  /** The values of a repeated integer field that this one adds: several when packed, else one. */
  int64s(): bigint[] {
    if (this.#wireType === WIRE_VARINT) return [BigInt.asIntN(64, this.#value as bigint)];
    const reader = new Reader(this.bytes());
    const values: bigint[] = [];
    while (!reader.done) values.push(BigInt.asIntN(64, reader.varint()));
    return values;
  }

  ints(): number[] {
    return this.int64s().map((value) => safeInteger(value, this.number));
  }

  /** The values of a repeated float field that this one adds: several when packed, else one. */
  floats(): number[] {
    if (this.#wireType === WIRE_FIXED32) return [this.float()];
    const bytes = this.bytes();
    if (bytes.length % 4 !== 0) {
      throw new ModelError(
        `Expected floats of 4 bytes for field ${this.number} but received ${bytes.length} bytes of them`,
      );
    }
    const view = viewOf(bytes);
    return Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
  }

  #mismatch(expected: string): ModelError {
    return new ModelError(`Expected ${expected} for field ${this.number} but received wire type ${this.#wireType}`);
  }
}

/**
 * The fields of a Protocol Buffers message in the order of the file. Nothing is copied: bytes are views of `message`.
 *
 * Wire format: https://protobuf.dev/programming-guides/encoding/
 *
 * @throws ModelError where the message is cut short or no message at all
 */
export function* protoFields(message: Uint8Array): Generator<ProtoField> {
  const reader = new Reader(message);
  while (!reader.done) {
    const tag = reader.varint();
    const wireType = Number(tag & 7n);
    const number = Number(tag >> 3n);
    if (number < 1 || number > 0x1fffffff) throw new ModelError(`Expected a field number but received ${number}`);
    yield new ProtoField(number, wireType, reader.value(number, wireType));
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#offset >= this.#bytes.length;
  }

  value(number: number, wireType: number): bigint | Uint8Array {
    switch (wireType) {
      case WIRE_VARINT:
        return this.varint();
      case WIRE_FIXED64:
        return this.#take(8);
      case WIRE_LENGTH_DELIMITED:
        return this.#take(Number(this.varint()));
      case WIRE_FIXED32:
        return this.#take(4);
      default:
        throw new ModelError(`Expected wire type 0, 1, 2 or 5 for field ${number} but received ${wireType}`);
    }
  }

  varint(): bigint {
    let value = 0n;
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      const byte = this.#bytes[this.#offset++];
      if (byte === undefined) throw new ModelError('Expected the rest of a number but the message is cut short');
      value |= BigInt(byte & 0x7f) << BigInt(7 * i);
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new ModelError(`Expected a number of at most ${MAX_VARINT_BYTES} bytes but received a longer one`);
  }

  #take(length: number): Uint8Array {
    const left = this.#bytes.length - this.#offset;
    if (length > left) throw new ModelError(`Expected ${length} bytes but the message is cut short after ${left}`);
    this.#offset += length;
    return this.#bytes.subarray(this.#offset - length, this.#offset);
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function safeInteger(value: bigint, field: number): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) {
    throw new ModelError(`Expected an integer below 2^53 for field ${field} but received ${value}`);
  }
  return number;
}
