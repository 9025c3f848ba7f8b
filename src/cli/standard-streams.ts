import { fstatSync, write } from 'node:fs';
import { UsageError } from '../errors.ts';
import type { ByteSource } from '../io/tar-archive.ts';

const STDOUT = 1;

/** @param what is expected there. @throws UsageError for a terminal. */
export function standardInput(what = 'a tar archive'): ByteSource {
  const { stdin } = process;
  if (stdin.isTTY) throw new UsageError(`Expected ${what} on standard input but received a terminal`);
  const chunks = stdin[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  return {
    read: async () => {
      const { value, done } = await chunks.next();
      return done ? undefined : value;
    },
    cancel: () => void stdin.destroy(),
  };
}

/**
 * Writes all bytes and resolves when the system has taken them: a slow reader holds the writer back.
 *
 * @returns rejects with the system's error, EPIPE when the reader has gone.
 * @throws UsageError for a terminal.
 */
export function standardOutput(): (bytes: Uint8Array) => Promise<void> {
  const { stdout } = process;
  if (stdout.isTTY) throw new UsageError('Expected a file or a pipe as standard output but received a terminal');
  // Each write tells its own errors.
  stdout.removeAllListeners('error').on('error', () => undefined);
  const stats = fstatSync(STDOUT);
  if (stats.isFIFO() || stats.isSocket()) return (bytes) => settled((done) => stdout.write(bytes, done));
  // Node's stream for files takes a part that was written for the whole, as on a disk that is filling up.
  return async (bytes) => {
    for (let at = 0; at < bytes.length; ) {
      at += await settled<number>((done) => write(STDOUT, bytes, at, bytes.length - at, null, done));
    }
  };
}

function settled<T>(start: (done: (error?: Error | null, value?: T) => void) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => (error ? reject(error) : resolve(value as T)));
  });
}

/** @throws UsageError unless one stream comes in and one goes out. */
export function assertBetweenPipes(inputs: readonly string[], out: unknown): void {
  if (inputs.length === 1 && inputs[0] === '-' && out === '-') return;
  throw new UsageError(
    `Expected "-" as the only input and --out - (standard input to standard output) but received ${inputs.join(' ')} and ${out === undefined ? 'no --out' : `--out ${out}`}`,
  );
}
