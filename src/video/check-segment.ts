import { SampleError } from '../errors.ts';
import { changeSince, GLANCE_COLUMNS, GLANCE_ROWS, type Glance } from './cuts.ts';
import { decodeOptions } from './decode.ts';
import { startFfmpeg } from './ffmpeg.ts';
import { readLogLine } from './log-lines.ts';
import { readPackedFrames } from './packed-frames.ts';
import { withPatience } from './patience.ts';
import { scaleMatrix } from './picture.ts';
import type { ClipInfo, FfmpegTools } from './types.ts';

/** Most that the mean colours of a frame may change by encoding, 0…255. */
const RESEMBLES = 12;

/**
 * Opens an encoded segment again: it decodes to its end without an error, and every frame in it looks like the redacted
 * one that it was made from. The decoder's side averages colours itself, so that no whole frame leaves it.
 *
 * @param glances at the frames that were encoded, in order.
 * @throws SampleError (`verify`): `undecodable`, or `clip-differs` when a frame does not, or there are fewer or more:
 *   one of them may be one that was not redacted.
 */
export async function checkSegment(
  tools: FfmpegTools,
  path: string,
  clip: ClipInfo,
  glances: readonly Glance[],
): Promise<void> {
  let received = 0;
  for await (const glance of decodeGlances(tools, path, clip)) {
    const expected = glances[received];
    if (expected === undefined) throw differs(`${glances.length} frames but received more`);
    const [difference = Number.NaN] = changeSince(received, glance, [expected]).differences;
    // A difference that is no number is none that is small.
    if (!(difference <= RESEMBLES)) {
      throw differs(`an encoded frame like the redacted one but its colours differ by ${difference}`);
    }
    received++;
  }
  if (received < glances.length) throw differs(`${glances.length} frames but received ${received}`);
}

function differs(expected: string): SampleError {
  return new SampleError('verify', 'clip-differs', `Expected ${expected}`);
}

async function* decodeGlances(tools: FfmpegTools, path: string, clip: ClipInfo): AsyncGenerator<Glance> {
  const { codec, colour, height, width } = clip;
  let damage: string | undefined;
  const run = startFfmpeg(tools, {
    inputs: [
      {
        source: path,
        options: decodeOptions({ alpha: false, codec, container: 'mkv', stream: 0 }, width, height),
      },
    ],
    options: [
      ...['-map', '0:0', '-vf', glanceFilter(scaleMatrix(colour)), ...tools.keepTimes],
      ...['-f', 'rawvideo', '-flush_packets', '1'],
    ],
    onLine: (line) => {
      const read = readLogLine(line);
      if (read?.kind === 'error') damage ??= read.text;
    },
  });
  const ended = run.done.then(
    () => undefined,
    (error: unknown) => error ?? new Error('ffmpeg failed'),
  );
  try {
    for await (const cells of readPackedFrames(run.stdout, 3 * GLANCE_COLUMNS * GLANCE_ROWS, run.kill)) {
      yield Float64Array.from(cells);
    }
    const cause = (await withPatience(ended, run.kill)) ?? damage;
    if (cause !== undefined) throw cause;
  } catch (cause) {
    throw new SampleError('verify', 'undecodable', 'Expected an encoded segment that decodes', { cause });
  } finally {
    run.kill();
  }
}

/** Means over the cells of a glance. In two steps, since swscale refuses to reduce by more than a few hundred in one. */
function glanceFilter(matrix: string): string {
  const step = (factor: number): string => `scale=${factor * GLANCE_COLUMNS}:${factor * GLANCE_ROWS}:flags=area`;
  return [`${step(8)}`, `${step(1)}:in_color_matrix=${matrix}:in_range=tv`, 'format=rgb24'].join(',');
}
