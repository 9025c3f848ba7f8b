import { open } from 'node:fs/promises';
import { createTarDecoder, type TarHeader } from 'modern-tar';
import { FileBytes } from './file-bytes.ts';
import { BLOCK, type PlainHeader, paddedLength, readPlainHeader, withPax } from './tar-header.ts';

/** Bytes in chunks, never ahead of their consumer. */
export interface ByteSource {
  /** Undefined at the end. */
  read(): Promise<Uint8Array | undefined>;
  /** Nothing more is wanted: a `read` that waits may be given up. */
  cancel?(): void;
}

function streamOf(source: ByteSource): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const chunk = await source.read();
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
      },
      cancel: () => source.cancel?.(),
    },
    { highWaterMark: 0 },
  );
}

/** A record that says more of an entry than its name needs is left to the library. */
const PAX_BYTES = 1 << 16;

/** An entry of an archive. */
export interface TarEntry {
  readonly header: Pick<TarHeader, keyof PlainHeader>;
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * The entries of a tar archive (USTAR, PAX or GNU), in order and strictly: a bad checksum, a missing
 * end marker or anything but zeros after it is an error. Each body must be read to its end, with
 * `readBody` or `skipBody`, before the next entry comes.
 *
 * @param onBytes Sees every byte of the file, in order; without it, bodies that are skipped are not read.
 * @throws Error of the file system, or of the decoder with what is wrong with the archive.
 */
export async function* tarEntries(path: string, onBytes?: (chunk: Uint8Array) => void): AsyncGenerator<TarEntry> {
  const handle = await open(path, 'r');
  const file = new FileBytes(handle, onBytes);
  try {
    for (let header = await plainHeader(file); header !== undefined; header = await plainHeader(file)) {
      const body = new BodyInFile(file, header.size);
      yield { header, body };
      await body.skip();
    }
    // From the first entry on that has something unusual: at the latest, from the end marker on.
    yield* tarEntriesOf(file);
  } finally {
    await handle.close();
  }
}

/**
 * Takes the header of a file or a folder, with the PAX record before it. The library makes several streams of each
 * entry, which takes three times as long as all that is done here.
 * @returns undefined, with nothing taken, for all that the library must see.
 */
async function plainHeader(file: FileBytes): Promise<(PlainHeader & { type: 'file' | 'directory' }) | undefined> {
  const block = await file.peek(BLOCK);
  const first = block && readPlainHeader(block);
  if (first === undefined) return undefined;
  let header: PlainHeader | undefined = first;
  let length = BLOCK;
  if (first.type === 'pax') {
    length += paddedLength(first.size) + BLOCK;
    const blocks = first.size > PAX_BYTES ? undefined : await file.peek(length);
    const next = blocks && readPlainHeader(blocks.subarray(-BLOCK));
    header = next && withPax(next, blocks.subarray(BLOCK, BLOCK + first.size));
  }
  if (header === undefined || header.type === 'pax') return undefined;
  // Old archives have folders as files of such names.
  if (header.type === 'file' && header.name.endsWith('/')) return undefined;
  await file.skip(length);
  return { ...header, type: header.type };
}

class BodyInFile implements AsyncIterable<Uint8Array> {
  readonly #file: FileBytes;
  #left: number;
  #padding: number;

  constructor(file: FileBytes, size: number) {
    this.#file = file;
    this.#left = size;
    this.#padding = paddedLength(size) - size;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    while (this.#left > 0) {
      const chunk = await this.#file.take(this.#left);
      if (chunk === undefined) throw new Error('Tar archive is truncated.');
      this.#left -= chunk.length;
      yield chunk;
    }
  }

  /** Goes on behind its end. */
  async skip(): Promise<void> {
    await this.#file.skip(this.#left + this.#padding);
    [this.#left, this.#padding] = [0, 0];
  }
}

/**
 * `tarEntries` of an archive that need not be a file.
 *
 * @throws what `read` throws, the decoder's Error, or the reason of `signal` when it is aborted.
 */
export async function* tarEntriesOf(source: ByteSource, signal?: AbortSignal): AsyncGenerator<TarEntry> {
  const stop = new AbortController();
  const either = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal]);
  try {
    yield* streamOf(source).pipeThrough(createTarDecoder({ strict: true }), { signal: either });
  } finally {
    stop.abort();
  }
}

/** Reads a whole body into memory of its own. */
export async function readBody(entry: TarEntry): Promise<Uint8Array> {
  const bytes = new Uint8Array(entry.header.size);
  let offset = 0;
  for await (const chunk of entry.body) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

/**
 * Reads a body and keeps nothing. Not `body.cancel()`: in modern-tar 0.8.6 that may cut off the body
 * of the next entry instead, when this one was buffered whole.
 */
export async function skipBody(entry: TarEntry): Promise<void> {
  if (entry.body instanceof BodyInFile) return entry.body.skip();
  for await (const _ of entry.body);
}
