import { type FileHandle, open } from 'node:fs/promises';
import { createTarDecoder, type ParsedTarEntry } from 'modern-tar';

const CHUNK = 1 << 20;

/** Reads a file in chunks, never ahead of its consumer. */
function fileStream(
  handle: FileHandle,
  onBytes: ((chunk: Uint8Array) => void) | undefined,
): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const buffer = new Uint8Array(CHUNK);
        const { bytesRead } = await handle.read(buffer, 0, CHUNK, null);
        if (bytesRead === 0) {
          controller.close();
          return;
        }
        const chunk = buffer.subarray(0, bytesRead);
        onBytes?.(chunk);
        controller.enqueue(chunk);
      },
    },
    { highWaterMark: 0 },
  );
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
  const stop = new AbortController();
  try {
    yield* fileStream(handle, onBytes).pipeThrough(createTarDecoder({ strict: true }), { signal: stop.signal });
  } finally {
    stop.abort();
    await handle.close();
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
