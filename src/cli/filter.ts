import type { RunHooks } from '../run.ts';
import { interruptible } from './interrupt.ts';
import { ProgressLine, runCounts } from './progress.ts';
import { assertBetweenPipes, standardInput, standardOutput } from './standard-streams.ts';
import { describeFiltered } from './summary.ts';
import { plural, type Terminal } from './terminal.ts';

/** Whether the main job is to read a stream or to write one. */
export function isFilter(inputs: readonly string[], out: unknown): boolean {
  return inputs.includes('-') || out === '-';
}

/**
 * `anonymize - --out - < in.tar > out.tar`: everything that is said goes to standard error.
 *
 * @returns the exit code.
 */
export async function runFilter(
  inputs: readonly string[],
  flags: Readonly<Record<string, unknown>>,
  terminal: Terminal,
): Promise<number> {
  const { quiet, json, out, ...options } = flags;
  assertBetweenPipes(inputs, out);
  const { openFilter } = await import('../run/filter.ts');
  const filter = openFilter(options);
  const { config } = filter;
  const streams = { input: standardInput(), output: standardOutput() };
  const progress = new ProgressLine(terminal, runCounts);
  const shown: RunHooks = quiet
    ? {}
    : {
        onStart: ({ notices, device }) =>
          terminal.err(
            `tar from standard input, ${plural(config.workers, 'worker')} on ${device.join('+')}, looking for ${config.classes.join(', ')}\n${notices.map((n) => `Note: ${n}\n`).join('')}`,
          ),
        // How many there will be is not known.
        onProgress: ({ total: _, ...state }) => progress.update(state),
      };
  const summary = await interruptible((signal) => filter.run(streams, { signal, ...shown }), terminal, {
    quiet: Boolean(quiet),
    clear: () => progress.end(),
  });
  const { out: _, privateDir, ...tellable } = summary;
  const isLogged = options.privateDir !== undefined;
  if (json) terminal.err(`${JSON.stringify({ ...tellable, ...(isLogged ? { privateDir } : {}) }, null, 2)}\n`);
  else if (!quiet) terminal.err(describeFiltered(summary, config, isLogged));
  if (summary.status === 'interrupted') return 130;
  return summary.rejected > 0 ? 1 : 0;
}
