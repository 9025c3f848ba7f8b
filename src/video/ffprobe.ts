import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { FfmpegTools } from './types.ts';

// fluent-ffmpeg's own call of ffprobe can be neither stopped nor read line by line.

const LARGEST_ANSWER = 8 << 20;

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
  const args = ['-v', 'error', '-protocol_whitelist', 'file,pipe', ...options, `file:${path}`];
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
