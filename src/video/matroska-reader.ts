import { OutputError } from '../errors.ts';

// Reads what ffmpeg wrote a moment ago: one video track without lacing, elements of known length. No file from outside.

const SEGMENT = 0x18538067;
const TRACKS = 0x1654ae6b;
const TRACK_ENTRY = 0xae;
const CODEC_ID = 0x86;
const CODEC_PRIVATE = 0x63a2;
const CLUSTER = 0x1f43b675;
const BLOCK_GROUP = 0xa0;
const BLOCK = 0xa1;
const SIMPLE_BLOCK = 0xa3;
const REFERENCE_BLOCK = 0xfb;

/** Elements that are opened, not skipped. */
const PARENTS: ReadonlySet<number> = new Set([SEGMENT, TRACKS, TRACK_ENTRY, CLUSTER]);

/** Track number, time and flags before the data of a block. */
const BLOCK_HEAD = 4;
const KEY_FLAG = 0x80;

export type MatroskaItem =
  | { readonly kind: 'codec'; readonly id: string }
  | { readonly kind: 'private'; readonly data: Uint8Array }
  | { readonly kind: 'frame'; readonly data: Uint8Array; readonly key: boolean };

/**
 * Codec and frames in their order, one at a time in memory.
 * @param chunks of a file, or of a stream as it is written. Throws OutputError when it is not as written.
 */
export async function* readMatroska(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<MatroskaItem> {
  const bytes = new Bytes(chunks);
  try {
    while (!(await bytes.isOver())) {
      const { id, length } = await readHead(bytes);
      if (PARENTS.has(id)) continue;
      if (length === undefined) throw damaged();
      if (id === CODEC_ID) yield { kind: 'codec', id: (await bytes.take(length)).toString('latin1') };
      else if (id === CODEC_PRIVATE) yield { kind: 'private', data: await bytes.take(length) };
      else if (id === SIMPLE_BLOCK) {
        const block = await bytes.take(length);
        yield frame(block, ((block[3] ?? 0) & KEY_FLAG) !== 0);
      } else if (id === BLOCK_GROUP) yield await readGroup(await bytes.take(length));
      else await bytes.skip(length);
    }
  } finally {
    await bytes.close();
  }
}

async function readGroup(group: Buffer): Promise<MatroskaItem> {
  const bytes = new Bytes([group]);
  let block: Buffer | undefined;
  let key = true;
  while (!(await bytes.isOver())) {
    const { id, length = 0 } = await readHead(bytes);
    const data = await bytes.take(length);
    if (id === BLOCK) block = data;
    if (id === REFERENCE_BLOCK) key = false;
  }
  if (block === undefined) throw damaged();
  return frame(block, key);
}

function frame(block: Buffer, key: boolean): MatroskaItem {
  return { kind: 'frame', data: block.subarray(BLOCK_HEAD), key };
}

function damaged(): OutputError {
  return new OutputError('Expected a segment of a clip as it was written');
}

/**
 * Id and length of the next element (RFC 8794: variable-size integers; the id keeps its length marker). All ones is an
 * unknown length, of which only segments and clusters may be.
 */
async function readHead(bytes: Bytes): Promise<{ id: number; length: number | undefined }> {
  const first = (await bytes.take(1))[0] ?? 0;
  const idLength = Math.clz32(first) - 23;
  if (idLength > 4) throw damaged();
  const id = Buffer.concat([Buffer.of(first), await bytes.take(idLength - 1)]).readUIntBE(0, idLength);
  const size = (await bytes.take(1))[0] ?? 0;
  const sizeLength = Math.clz32(size) - 23;
  if (sizeLength > 8) throw damaged();
  let length = BigInt(size & (0xff >> sizeLength));
  for (const byte of await bytes.take(sizeLength - 1)) length = (length << 8n) | BigInt(byte);
  const isUnknown = length === (1n << BigInt(7 * sizeLength)) - 1n;
  return { id, length: isUnknown ? undefined : Number(length) };
}

/** Takes bytes from chunks in pieces of any size. */
class Bytes {
  readonly #chunks: AsyncIterator<Uint8Array> | Iterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
    this.#chunks = Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]();
  }

  /** Nothing more is wanted. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  async isOver(): Promise<boolean> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#chunks.next();
      if (done) return true;
      this.#rest = value;
    }
    return false;
  }

  async take(length: number): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    for await (const part of this.#parts(length)) parts.push(part);
    return Buffer.concat(parts);
  }

  async skip(length: number): Promise<void> {
    for await (const _ of this.#parts(length));
  }

  async *#parts(length: number): AsyncGenerator<Uint8Array> {
    for (let left = length; left > 0; ) {
      if (await this.isOver()) throw damaged();
      const part = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(part.length);
      left -= part.length;
      yield part;
    }
  }
}
