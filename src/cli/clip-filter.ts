import type { ClipFilterHooks, ClipFilterSummary } from '../clips/filter.ts';
import { CLASSES } from '../core/types.ts';
import { asOutputError } from '../io/atomic.ts';
import { interruptible } from './interrupt.ts';
import { ProgressLine } from './progress.ts';
import { assertBetweenPipes, standardInput, standardOutput } from './standard-streams.ts';
import { duration, plural, type Terminal } from './terminal.ts';

/**
 * `… | anonymize - --single-pass --out - | …`: a clip that arrives. Everything that is said goes to standard error.
 *
 * @returns the exit code.
 */
export async function runClipFilter(
  inputs: readonly string[],
  flags: Readonly<Record<string, unknown>>,
  terminal: Terminal,
): Promise<number> {
  const { quiet, json, out, ...options } = flags;
  assertBetweenPipes(inputs, out);
  const { openClipFilter } = await import('../clips/filter.ts');
  const filter = openClipFilter(options);
  const write = standardOutput();
  const streams = {
    ...standardInput('a video'),
    write: (bytes: Uint8Array) =>
      write(bytes).catch((error: unknown) => {
        throw asOutputError('standard output', error);
      }),
  };
  const progress = new ProgressLine<{ readonly done: number }>(terminal, () => [], 'frames/s');
  const shown: ClipFilterHooks = quiet
    ? {}
    : {
        onStart: ({ notices, device }) =>
          terminal.err(
            `clip from standard input, ${device.join('+')}, looking for ${filter.config.classes.join(', ')}\n${notices.map((n) => `Note: ${n}\n`).join('')}`,
          ),
        onProgress: (state) => progress.update(state),
      };
  try {
    const summary = await interruptible((signal) => filter.run(streams, { signal, ...shown }), terminal, {
      quiet: Boolean(quiet),
      clear: () => progress.end(),
    });
    return tell(summary, { quiet, json }, terminal);
  } finally {
    streams.cancel?.();
  }
}

function tell(
  summary: ClipFilterSummary,
  { quiet, json }: { readonly quiet: unknown; readonly json: unknown },
  terminal: Terminal,
): number {
  const { status, failure, ...rest } = summary;
  const reason = failure && { stage: failure.stage, reason: failure.reason };
  if (json) terminal.err(`${JSON.stringify({ status, ...reason, ...rest }, null, 2)}\n`);
  if (failure !== undefined) {
    // What was not foreseen may name anything.
    const isForeseen = failure.reason !== 'internal-error' && failure.reason !== 'worker-died';
    const why = isForeseen ? failure.message : `Expected to go on but failed (${failure.stage}/${failure.reason})`;
    // What the encoder had taken is not all out.
    const written = `the output is cut off after at most ${plural(summary.frames, 'frame')}`;
    terminal.err(`anonymize: ${why}; ${summary.frames === 0 ? 'nothing was written' : written}\n`);
    return 1;
  }
  if (!json && !quiet) terminal.err(describe(summary));
  return status === 'interrupted' ? 130 : 0;
}

function describe({ status, frames, tracks, seconds, framesPerSecond, device }: ClipFilterSummary): string {
  const speed = `in ${duration(seconds)} (${framesPerSecond.toFixed(1)} frames/s, ${device.join('+')})`;
  const end =
    status === 'interrupted' ? 'Interrupted: the output ends with the last frame that was looked ahead of. ' : '';
  const seen = CLASSES.flatMap((cls) => (tracks?.[cls] ? [plural(tracks[cls], `${cls} track`)] : []));
  return [
    `${end}${plural(frames, 'frame')} anonymized and written ${speed}\n`,
    seen.length > 0 ? `Seen: ${seen.join(', ')}\n` : '',
    'Nothing is kept of the clip, and the output was not opened again.\n',
    '\nOnly what the models detect is redacted. Look at the clip before you rely on it: one sharp frame undoes all others.\n',
  ].join('');
}
