import { createReadStream } from 'node:fs';

const NEWLINE = 0x0a;

/**
 * The whole lines of a UTF-8 file without their ends, one at a time; what follows the last newline was
 * cut off while it was written, and is left out. Nothing for a file that does not exist.
 */
export async function* wholeLines(path: string): AsyncGenerator<string> {
  for await (const { line } of placedLines(path)) yield line;
}

/** `wholeLines` with the byte at which each begins. */
export async function* placedLines(path: string): AsyncGenerator<{ readonly offset: number; readonly line: string }> {
  let offset = 0;
  const pending: Buffer[] = [];
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
      let start = 0;
      for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
        pending.push(chunk.subarray(start, end));
        const bytes = Buffer.concat(pending);
        yield { offset, line: bytes.toString('utf8') };
        offset += bytes.length + 1;
        pending.length = 0;
        start = end + 1;
      }
      if (start < chunk.length) pending.push(chunk.subarray(start));
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
