import { createReadStream } from 'node:fs';

const NEWLINE = 0x0a;

/**
 * The whole lines of a UTF-8 file without their ends, one at a time; what follows the last newline was
 * cut off while it was written, and is left out. Nothing for a file that does not exist.
 */
export async function* wholeLines(path: string): AsyncGenerator<string> {
  const pending: Buffer[] = [];
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
      let start = 0;
      for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
        pending.push(chunk.subarray(start, end));
        yield Buffer.concat(pending).toString('utf8');
        pending.length = 0;
        start = end + 1;
      }
      if (start < chunk.length) pending.push(chunk.subarray(start));
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
