import { PassThrough, type Readable } from 'node:stream';
import fluent from 'fluent-ffmpeg';
import type { FfmpegTools } from './types.ts';

// The one place that knows fluent-ffmpeg, whose upstream is archived: it builds the command line, starts the program,
// connects the pipes and keeps the last lines of what the program says, so that memory stays flat.

export interface FfmpegInput {
  /** A file, or a stream that becomes the program's standard input; at most one. */
  readonly source: string | Readable;
  readonly options: readonly string[];
}

export interface FfmpegJob {
  readonly inputs: readonly FfmpegInput[];
  /** Options of the output. */
  readonly options: readonly string[];
  /** A file; without one, the output is `stdout` of the run. */
  readonly output?: string;
  /** Is given every line that the program writes to standard error. */
  readonly onLine?: (line: string) => void;
  readonly signal?: AbortSignal;
}

export interface FfmpegRun {
  /** What the program writes, at the pace at which it is read. Nothing when the output is a file. */
  readonly stdout: Readable;
  /** Resolves when the program has ended well. */
  readonly done: Promise<void>;
  /** Ends the program at once; `done` rejects unless it has ended already. */
  kill(): void;
}

/** No input may make the program open another file or an address, whatever its bytes say. */
const SEALED = ['-protocol_whitelist', 'file,pipe'];

/** Starts ffmpeg. `done` rejects with what it said last, which may name files: not for messages that are published. */
export function startFfmpeg(tools: FfmpegTools, job: FfmpegJob): FfmpegRun {
  const command = fluent({ stdoutLines: 40 }).setFfmpegPath(tools.ffmpeg);
  for (const { source, options } of job.inputs) {
    command.input(typeof source === 'string' ? `file:${source}` : source).inputOptions(...SEALED, ...options);
  }
  // Closing by itself would be taken for a consumer that went away, and ffmpeg killed 20 ms later.
  const stdout = new PassThrough({ autoDestroy: false });
  command.output(job.output === undefined ? stdout : `file:${job.output}`);
  command.outputOptions('-y', '-nostdin', '-hide_banner', ...job.options);
  if (job.onLine !== undefined) command.on('stderr', job.onLine);

  let killed = false;
  const kill = () => {
    killed = true;
    command.kill('SIGKILL');
  };
  const done = new Promise<void>((resolve, reject) => {
    command.on('start', () => {
      if (killed) command.kill('SIGKILL');
    });
    command.on('end', () => resolve());
    command.on('error', (error: Error, _stdout: unknown, stderr: string | null) => {
      reject(new Error(stderr?.split('\n').slice(-5).join('\n') || error.message, { cause: error }));
    });
  });
  // Whoever reads it is told; nobody does when the output is a file.
  stdout.on('error', () => {});
  done.catch((error: Error) => stdout.destroy(error));
  job.signal?.addEventListener('abort', kill, { once: true });
  const release = () => job.signal?.removeEventListener('abort', kill);
  done.then(release, release);
  if (job.signal?.aborted) killed = true;
  command.run();
  return { stdout, done, kill };
}
