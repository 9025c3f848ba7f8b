import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { ByteStream, FfmpegTools } from './types.ts';

// fluent-ffmpeg's own call of ffprobe can be neither stopped nor read line by line.

const LARGEST_ANSWER = 8 << 20;

/** Errors only; and nothing that a file says makes it open another one. */
const SEALED = ['-v', 'error', '-protocol_whitelist', 'file,pipe'];

/**
 * Runs ffprobe on one file and gives every line of its answer to `onLine`. The file can make it open nothing else.
 * Rejects when it fails or when `signal` is aborted, with words that may name files: not for published messages.
 */
export async function probeLines(
  tools: FfmpegTools,
  path: string,
  options: readonly string[],
  onLine: (line: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  const args = [...SEALED, ...options, `file:${path}`];
  const child = spawn(tools.ffprobe, args, { stdio: ['ignore', 'pipe', 'ignore'], windowsHide: true });
  const stop = () => child.kill('SIGKILL');
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted) stop();
  const ended = new Promise<void>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`ffprobe ended with ${code}`))));
  });
  ended.catch(() => {});
  try {
    for await (const line of createInterface({ input: child.stdout })) onLine(line);
    await ended;
  } finally {
    stop();
    signal?.removeEventListener('abort', stop);
  }
}

/** ffprobe's answer as JSON, at most 8 MiB. Rejects as `probeLines` does, and when it is longer or no JSON. */
export async function probeJson(
  tools: FfmpegTools,
  path: string,
  options: readonly string[],
  signal?: AbortSignal,
): Promise<unknown> {
  const lines: string[] = [];
  let length = 0;
  await probeLines(
    tools,
    path,
    ['-of', 'json', ...options],
    (line) => {
      length += line.length;
      if (length > LARGEST_ANSWER) throw new Error(`Expected at most ${LARGEST_ANSWER} characters from ffprobe`);
      lines.push(line);
    },
    signal,
  );
  return JSON.parse(lines.join('\n'));
}

/**
 * `probeJson` of a clip that is arriving: ffprobe is given as much as it wants to see.
 * @returns its answer, and the stream from its beginning.
 */
export async function probeArriving(
  tools: FfmpegTools,
  stream: ByteStream,
  options: readonly string[],
  mostBytes: number,
): Promise<{ answer: unknown; stream: ByteStream }> {
  const args = [...SEALED, '-of', 'json', ...options, 'pipe:0'];
  const child = spawn(tools.ffprobe, args, { stdio: ['pipe', 'pipe', 'ignore'], windowsHide: true });
  // It stops reading once it knows enough.
  child.stdin.on('error', () => {});
  let answer = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    answer += text;
    if (answer.length > LARGEST_ANSWER) child.kill('SIGKILL');
  });
  const ended = new Promise<{ readonly code: number | null }>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code }));
  });
  ended.catch(() => {});
  const taken: Uint8Array[] = [];
  let size = 0;
  let next: Promise<Uint8Array | undefined> | undefined;
  try {
    for (;;) {
      next ??= stream.read();
      const first = await Promise.race([next, ended]);
      if (first !== undefined && 'code' in first) break;
      next = undefined;
      if (first === undefined) {
        next = Promise.resolve(undefined);
        child.stdin.end();
        break;
      }
      taken.push(first);
      size += first.length;
      if (size > mostBytes) throw new Error(`Expected to know the streams after ${mostBytes} bytes`);
      if (child.stdin.write(first)) continue;
      await Promise.race([new Promise<void>((resolve) => child.stdin.once('drain', resolve)), ended]);
    }
    const { code } = await ended;
    if (code !== 0) throw new Error(`ffprobe ended with ${code}`);
    return { answer: JSON.parse(answer), stream: withHead(next === undefined ? taken : [...taken, next], stream) };
  } finally {
    child.kill('SIGKILL');
  }
}

/** A stream that begins with chunks that were taken from it; undefined among them is its end. */
export function withHead(
  head: readonly (Uint8Array | Promise<Uint8Array | undefined>)[],
  stream: ByteStream,
): ByteStream {
  const waiting = [...head];
  return {
    read: async () => {
      const first = waiting.shift();
      return first === undefined ? stream.read() : first;
    },
  };
}
