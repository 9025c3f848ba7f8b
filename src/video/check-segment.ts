import { SampleError } from '../errors.ts';
import { changeSince, GLANCE_COLUMNS, GLANCE_ROWS, type Glance, glanceAt } from './cuts.ts';
import { decodeOptions } from './decode.ts';
import { startFfmpeg } from './ffmpeg.ts';
import { readLogLine } from './log-lines.ts';
import { readPackedFrames } from './packed-frames.ts';
import { withPatience } from './patience.ts';
import { REDUCING, SCALING, scaleMatrix } from './picture.ts';
import type { ClipInfo, FfmpegTools } from './types.ts';

/** Most that the mean colours of a frame may change by encoding, 0…255. */
const RESEMBLES = 12;

/** Pixels to which larger frames are reduced before they leave the decoder: many for each cell of a glance. */
const LARGEST = { width: 8 * GLANCE_COLUMNS, height: 8 * GLANCE_ROWS };

type Picture = Pick<ClipInfo, 'codec' | 'colour' | 'height' | 'width'>;

/**
 * Opens an encoded segment again: it decodes to its end without an error, and every frame in it looks like the redacted
 * one that it was made from. Large frames leave the decoder reduced, which changes their mean colours by next to nothing.
 *
 * @param glances at the frames that were encoded, in order.
 * @throws SampleError (`verify`): `undecodable`, or `clip-differs` when a frame does not, or there are fewer or more:
 *   one of them may be one that was not redacted.
 */
export async function checkSegment(
  tools: FfmpegTools,
  path: string,
  clip: Picture,
  glances: readonly Glance[],
): Promise<void> {
  let received = 0;
  for await (const glance of decodeGlances(tools, path, { ...clip, container: 'mkv', stream: 0 })) {
    const expected = glances[received];
    if (expected === undefined) throw differs(`${glances.length} frames but received more`);
    assertResembles(received, glance, expected);
    received++;
  }
  if (received < glances.length) throw differs(`${glances.length} frames but received ${received}`);
}

/** @throws SampleError (`verify`, `clip-differs`) when an encoded frame does not look like the redacted one. */
export function assertResembles(frame: number, encoded: Glance, redacted: Glance): void {
  const [difference = Number.NaN] = changeSince(frame, encoded, [redacted]).differences;
  // A difference that is no number is none that is small.
  if (difference <= RESEMBLES) return;
  throw differs(`an encoded frame like the redacted one but its colours differ by ${difference}`);
}

function differs(expected: string): SampleError {
  return new SampleError('verify', 'clip-differs', `Expected ${expected}`);
}

/** Reduces large frames, and cuts off what encoding has added to odd sizes. */
function reducedFilter({ colour, height, width }: Picture): string {
  const flags = width > LARGEST.width || height > LARGEST.height ? REDUCING : SCALING;
  return [
    `scale=min(iw\\,${LARGEST.width}):min(ih\\,${LARGEST.height}):in_color_matrix=${scaleMatrix(colour)}:in_range=tv:${flags}`,
    'format=rgb24',
    `crop=${Math.min(width, LARGEST.width)}:${Math.min(height, LARGEST.height)}:0:0`,
  ].join(',');
}

/** Glances at the frames of a segment or a published clip, reduced. @throws SampleError (`verify`, `undecodable`) */
export async function* decodeGlances(
  tools: FfmpegTools,
  path: string,
  clip: Picture & Pick<ClipInfo, 'container' | 'stream'>,
): AsyncGenerator<Glance> {
  const { codec, container, height, stream, width } = clip;
  const reduced = { width: Math.min(width, LARGEST.width), height: Math.min(height, LARGEST.height) };
  let damage: string | undefined;
  const run = startFfmpeg(tools, {
    inputs: [
      {
        source: path,
        options: decodeOptions({ alpha: false, codec, container, stream }, width, height),
      },
    ],
    options: [
      ...['-map', `0:${stream}`, '-vf', reducedFilter(clip), ...tools.keepTimes],
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
    for await (const data of readPackedFrames(run.stdout, 3 * reduced.width * reduced.height, run.kill)) {
      yield glanceAt({ data, ...reduced });
    }
    const cause = (await withPatience(ended, run.kill)) ?? damage;
    if (cause !== undefined) throw cause;
  } catch (cause) {
    throw new SampleError('verify', 'undecodable', 'Expected an encoded segment that decodes', { cause });
  } finally {
    run.kill();
  }
}
