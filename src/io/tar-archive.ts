import { type FileHandle, open } from 'node:fs/promises';
import { createTarDecoder, type ParsedTarEntry } from 'modern-tar';

const CHUNK = 1 << 20;

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

async function readChunk(handle: FileHandle): Promise<Uint8Array | undefined> {
  const buffer = new Uint8Array(CHUNK);
  const { bytesRead } = await handle.read(buffer, 0, CHUNK, null);
  return bytesRead === 0 ? undefined : buffer.subarray(0, bytesRead);
}

/**
 * The entries of a tar archive (USTAR, PAX or GNU), in order and strictly: a bad checksum, a missing
 * end marker or anything but zeros after it is an error. Each body must be read to its end, with
 * `readBody` or `skipBody`, before the next entry comes.
 *
 * @param onBytes Sees every byte of the file, in order.
 * @throws Error of the file system, or of the decoder with what is wrong with the archive.
 */
export async function* tarEntries(path: string, onBytes?: (chunk: Uint8Array) => void): AsyncGenerator<ParsedTarEntry> {
  const handle = await open(path, 'r');
  const read = async (): Promise<Uint8Array | undefined> => {
    const chunk = await readChunk(handle);
    if (chunk !== undefined) onBytes?.(chunk);
    return chunk;
  };
  try {
    yield* tarEntriesOf({ read });
  } finally {
    await handle.close();
  }
}

/**
 * `tarEntries` of an archive that need not be a file.
 *
 * @throws what `read` throws, the decoder's Error, or the reason of `signal` when it is aborted.
 */
export async function* tarEntriesOf(source: ByteSource, signal?: AbortSignal): AsyncGenerator<ParsedTarEntry> {
  const stop = new AbortController();
  const either = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal]);
  try {
    yield* streamOf(source).pipeThrough(createTarDecoder({ strict: true }), { signal: either });
  } finally {
    stop.abort();
  }
}

/** Reads a whole body into memory of its own. */
export async function readBody(entry: ParsedTarEntry): Promise<Uint8Array> {
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
export async function skipBody(entry: ParsedTarEntry): Promise<void> {
  for await (const _ of entry.body);
}
