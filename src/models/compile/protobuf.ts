const WIRE_VARINT = 0;
const WIRE_LENGTH_DELIMITED = 2;
const WIRE_FIXED32 = 5;

const utf8 = new TextEncoder();

function varint(value: number | bigint): Uint8Array {
  const bytes: number[] = [];
  // Negative int64 values are written as their 64-bit two's complement.
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

/**
 * One Protocol Buffers message under construction. Fields are written in the order of the calls, so the same calls
 * give the same bytes. Payloads are kept by reference until `toBytes`: a model's weights are copied once.
 *
 * Wire format: https://protobuf.dev/programming-guides/encoding/
 */
export class ProtoMessage {
  readonly #chunks: Uint8Array[] = [];
  #length = 0;

  /** int32, int64 or enum. */
  varint(field: number, value: number | bigint): this {
    return this.#tag(field, WIRE_VARINT).#append(varint(value));
  }

  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.#tag(field, WIRE_FIXED32).#append(bytes);
  }

  bytes(field: number, value: Uint8Array): this {
    return this.#tag(field, WIRE_LENGTH_DELIMITED).#append(varint(value.length)).#append(value);
  }

  string(field: number, value: string): this {
    return this.bytes(field, utf8.encode(value));
  }

  message(field: number, value: ProtoMessage): this {
    this.#tag(field, WIRE_LENGTH_DELIMITED).#append(varint(value.#length));
    for (const chunk of value.#chunks) this.#append(chunk);
    return this;
  }

  /** Repeated int64, packed as proto3 does by default. */
  packedVarints(field: number, values: readonly (number | bigint)[]): this {
    const packed = new ProtoMessage();
    for (const value of values) packed.#append(varint(value));
    return this.message(field, packed);
  }

  toBytes(): Uint8Array {
    const out = new Uint8Array(this.#length);
    let offset = 0;
    for (const chunk of this.#chunks) {
      out.set(chunk, offset);
      offset += chunk.length;
    }
    return out;
  }

  #tag(field: number, wireType: number): this {
    return this.#append(varint((field << 3) | wireType));
  }

  #append(chunk: Uint8Array): this {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    return this;
  }
}
