import { SampleError } from '../errors.ts';
import type { Rational } from './types.ts';

/** Makes ffmpeg say of each line how grave it is. */
export const LOG_LEVELS = ['-nostats', '-v', 'level+info'];

export type LogLine =
  | { readonly kind: 'frame'; readonly pts: number; readonly key: boolean }
  | { readonly kind: 'time-base'; readonly timeBase: Rational }
  | { readonly kind: 'error'; readonly text: string };

const FRAME = /^\[Parsed_showinfo_\d+ @ \w+\] \[info\] n: *\d+ pts: *(\S+) .* iskey:([01]) /;
const TIME_BASE = /^\[Parsed_showinfo_\d+ @ \w+\] \[info\] config in time_base: (\d+)\/(\d+),/;
const ERROR = /\[(?:error|fatal|panic)\] (.*)$/;

/**
 * What a line of ffmpeg's log says of frames that pass the filter `showinfo`, or that something went wrong.
 * `pts` is NaN for a frame without a time.
 */
export function readLogLine(line: string): LogLine | undefined {
  const frame = FRAME.exec(line);
  if (frame !== null) return { kind: 'frame', pts: Number(frame[1]), key: frame[2] === '1' };
  const timeBase = TIME_BASE.exec(line);
  if (timeBase !== null) {
    return { kind: 'time-base', timeBase: { num: Number(timeBase[1]), den: Number(timeBase[2]) } };
  }
  const error = ERROR.exec(line);
  return error === null ? undefined : { kind: 'error', text: error[1] ?? '' };
}

/** ffmpeg goes on after most errors and conceals them: that is not good enough for what is to be redacted. */
export function damaged(text: string): SampleError {
  const cause = new Error(text);
  return /partial file|ended prematurely|Read error|Truncat|end of file/i.test(text)
    ? new SampleError('decode', 'truncated', 'Expected every frame to be whole', { cause })
    : new SampleError('decode', 'corrupt', 'Expected a clip that decodes without an error', { cause });
}
