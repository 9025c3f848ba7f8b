import { interruptible } from './interrupt.ts';
import type { Terminal } from './terminal.ts';

export interface Telling {
  /** Neither a progress line nor a summary. */
  readonly quiet?: unknown;
  /** The summary as JSON on standard output, in place of the one for people; also with `quiet`. */
  readonly json?: unknown;
}

/** What a run over a set ends with. */
interface Ended {
  readonly status: string;
  readonly rejected: number;
  /** What a look at an earlier output found. */
  readonly review?: { readonly problems: readonly unknown[] } | undefined;
}

/**
 * Follows a run over a set with a progress line, drains it at Ctrl-C, and tells how it ended.
 * @param progress is ended before anything else is said.
 * @param shown hooks by which the run tells how it goes; none of them with `quiet`.
 * @returns the exit code.
 */
export async function follow<Hooks extends object, Summary extends Ended>(
  job: (hooks: { readonly signal: AbortSignal } & Partial<Hooks>) => Promise<Summary>,
  { quiet, json }: Telling,
  terminal: Terminal,
  progress: { readonly end: () => void },
  shown: Hooks,
  describe: (summary: Summary) => string,
): Promise<number> {
  const hooks: Partial<Hooks> = quiet ? {} : shown;
  const summary = await interruptible((signal) => job({ ...hooks, signal }), terminal, {
    quiet: Boolean(quiet),
    clear: () => progress.end(),
  });
  if (json) terminal.out(`${JSON.stringify(summary, null, 2)}\n`);
  else if (!quiet) terminal.out(describe(summary));
  if (summary.status === 'interrupted') return 130;
  return summary.rejected > 0 || (summary.review?.problems.length ?? 0) > 0 ? 1 : 0;
}
