import type { Terminal } from './terminal.ts';

/** Runs a job that drains what is in work at the first Ctrl-C; the second one ends the process. */
export async function drainAtInterrupt<T>(
  progress: { end(): void },
  isQuiet: boolean,
  terminal: Terminal,
  job: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const interrupt = new AbortController();
  const onSignal = (): void => {
    progress.end();
    if (interrupt.signal.aborted) {
      // `process.exit` would end threads inside native code, which aborts; the signal itself does not.
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
      process.kill(process.pid, 'SIGINT');
      return;
    }
    if (!isQuiet) terminal.err('Interrupted: finishing what is in work (once more to stop at once)\n');
    interrupt.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  try {
    return await job(interrupt.signal);
  } finally {
    progress.end();
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}
