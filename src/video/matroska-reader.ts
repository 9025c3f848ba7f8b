import { type FileHandle, open } from 'node:fs/promises';
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
const PARENTS: ReadonlySet<number> = new Set([SEGMENT, TRACKS, TRACK_ENTRY, CLUSTER, BLOCK_GROUP]);

/** Track number, time and flags before the data of a block. */
const BLOCK_HEAD = 4;
const KEY_FLAG = 0x80;

export type MatroskaItem =
  | { readonly kind: 'codec'; readonly id: string }
  | { readonly kind: 'private'; readonly data: Uint8Array }
  | { readonly kind: 'frame'; readonly data: Uint8Array; readonly key: boolean };

/** Codec and frames in the order of the file, one at a time in memory. Throws OutputError when it is not as written. */
export async function* readMatroska(path: string): AsyncGenerator<MatroskaItem> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    for (let at = 0; at < size; ) {
      const { id, from, to } = await readHead(file, at);
      if (to > size) throw damaged();
      at = PARENTS.has(id) && id !== BLOCK_GROUP ? from : to;
      if (id === CODEC_ID) yield { kind: 'codec', id: (await read(file, from, to)).toString('latin1') };
      else if (id === CODEC_PRIVATE) yield { kind: 'private', data: await read(file, from, to) };
      else if (id === SIMPLE_BLOCK) {
        const block = await read(file, from, to);
        yield frame(block, ((block[3] ?? 0) & KEY_FLAG) !== 0);
      } else if (id === BLOCK_GROUP) yield await readGroup(file, from, to);
    }
  } finally {
    await file.close();
  }
}

async function readGroup(file: FileHandle, from: number, to: number): Promise<MatroskaItem> {
  let block: Buffer | undefined;
  let key = true;
  for (let at = from; at < to; ) {
    const child = await readHead(file, at);
    if (child.id === BLOCK) block = await read(file, child.from, child.to);
    if (child.id === REFERENCE_BLOCK) key = false;
    at = child.to;
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

async function read(file: FileHandle, from: number, to: number): Promise<Buffer> {
  const buffer = Buffer.alloc(to - from);
  const { bytesRead } = await file.read(buffer, 0, buffer.length, from);
  if (bytesRead !== buffer.length) throw damaged();
  return buffer;
}

/** Id and extent of the element at `at` (RFC 8794: variable-size integers; the id keeps its length marker). */
async function readHead(file: FileHandle, at: number): Promise<{ id: number; from: number; to: number }> {
  const buffer = Buffer.alloc(12);
  await file.read(buffer, 0, 12, at);
  const idLength = Math.clz32(buffer[0] ?? 0) - 23;
  if (idLength > 4) throw damaged();
  const sizeLength = Math.clz32(buffer[idLength] ?? 0) - 23;
  if (sizeLength > 8) throw damaged();
  let length = BigInt((buffer[idLength] ?? 0) & (0xff >> sizeLength));
  for (let i = 1; i < sizeLength; i++) length = (length << 8n) | BigInt(buffer[idLength + i] ?? 0);
  // All ones is an unknown length, of which only segments and clusters may be: they are opened anyway.
  const unknown = length === (1n << BigInt(7 * sizeLength)) - 1n;
  const from = at + idLength + sizeLength;
  return { id: buffer.readUIntBE(0, idLength), from, to: unknown ? from : from + Number(length) };
}
