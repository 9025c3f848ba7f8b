import type { ClipInfo } from './types.ts';

/** Which frames of a clip are taken: every n-th one, or one in so much time; the first one in any case. */
export interface FrameChoice {
  readonly every: number;
  readonly unit: 'frames' | 'milliseconds';
}

const MOST_FRAMES = 1_000_000;
const MOST_MILLISECONDS = 86_400_000;

/** `every:5`, `every:1s`, `every:0.25s`; undefined for anything else. */
export function parseFrameChoice(text: string): FrameChoice | undefined {
  const [, number = '', seconds] = /^every:(\d{1,9}(?:\.\d{1,3})?)(s?)$/.exec(text) ?? [];
  const every = seconds === 's' ? Math.round(Number(number) * 1000) : Number(number);
  const most = seconds === 's' ? MOST_MILLISECONDS : MOST_FRAMES;
  if (number === '' || !Number.isInteger(every) || every < 1 || every > most) return undefined;
  return { every, unit: seconds === 's' ? 'milliseconds' : 'frames' };
}

/** The text that `parseFrameChoice` reads. */
export function describeFrameChoice({ every, unit }: FrameChoice): string {
  return unit === 'frames' ? `every:${every}` : `every:${every / 1000}s`;
}

/** What somebody may have meant who wrote a text that is no choice of frames, such as `every:5` for `5`. */
export function likelyFrameChoice(text: string): string | undefined {
  const [, number = '', unit = ''] = /(\d+(?:\.\d+)?)\s*(s|sec|seconds?)?$/i.exec(text.trim()) ?? [];
  const likely = unit === '' ? [`every:${number}`, `every:${number}s`] : [`every:${number}s`];
  return likely.find((choice) => parseFrameChoice(choice) !== undefined);
}

/**
 * Indices of the chosen frames, increasing. By time, the first frame is at 0, and each multiple of the step has the first
 * frame that is shown then or later; a frame that has several of them is taken once.
 */
export function chosenFrames(
  { every, unit }: FrameChoice,
  { pts, timeBase }: Pick<ClipInfo, 'pts' | 'timeBase'>,
): number[] {
  if (unit === 'frames') return Array.from({ length: Math.ceil(pts.length / every) }, (_, i) => i * every);
  const chosen: number[] = [];
  const [first = 0] = pts;
  const perTick = 1000n * BigInt(timeBase.num);
  const perStep = BigInt(every) * BigInt(timeBase.den);
  let last = -1n;
  for (const [frame, at] of pts.entries()) {
    // Whole numbers: a frame that is shown at the very moment must not miss it by rounding.
    const step = (BigInt(at - first) * perTick) / perStep;
    if (step > last) chosen.push(frame);
    last = step;
  }
  return chosen;
}
