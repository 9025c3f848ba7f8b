import type { Terminal } from './terminal.ts';

/**
 * Lets a job drain at the first Ctrl-C and ends the process at the second.
 * @param clear takes away what stands on the line, before anything is said.
 */
export async function interruptible<T>(
  job: (signal: AbortSignal) => Promise<T>,
  terminal: Terminal,
  { quiet, clear }: { readonly quiet: boolean; readonly clear: () => void },
): Promise<T> {
  const interrupt = new AbortController();
  const onSignal = (): void => {
    clear();
    if (interrupt.signal.aborted) {
      // `process.exit` would end threads inside native code, which aborts; the signal itself does not.
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
      process.kill(process.pid, 'SIGINT');
      return;
    }
    if (!quiet) terminal.err('Interrupted: finishing what is in work (once more to stop at once)\n');
    interrupt.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  try {
    return await job(interrupt.signal);
  } finally {
    clear();
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}
