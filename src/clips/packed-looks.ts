import type { FollowedFaceGuide } from '../core/types.ts';
import { EXPRESSION_NUMBERS } from '../redact/synthetic/face/expression.ts';

/** How a followed face looks in a frame: drawn in this pose, or blurred. */
export type FaceLook = FollowedFaceGuide | 'blurred';

/** How one looks in the frames of its track. */
export interface FaceLooks {
  /** In the i-th frame of the track. */
  at(i: number): FaceLook | undefined;
}

/** Numbers of a guide besides its expression: what is known of it, six of the pose, two of the gaze and of the grain. */
const NUMBERS = 11 + EXPRESSION_NUMBERS;
const [UNKNOWN, GUIDE, GAZING] = [0, 1, 2] as const;

/** Guides of one followed face, as far as they are known, in the frames of its track: 136 bytes a frame. */
export class PackedGuides {
  /** Frames of the track. */
  readonly length: number;
  readonly #numbers: Float64Array;
  /** Frames whose guide is known. */
  count = 0;

  constructor(length: number) {
    this.length = length;
    this.#numbers = new Float64Array(length * NUMBERS);
  }

  /** Keeps the guide of the i-th frame. */
  set(i: number, { pose, expression, gaze, grain }: FollowedFaceGuide): void {
    const { turn, nod, tilt, scale, shift } = pose;
    const posed = [gaze ? GAZING : GUIDE, turn, nod, tilt, scale, shift.x, shift.y];
    if (this.#numbers[i * NUMBERS] === UNKNOWN) this.count++;
    this.#numbers.set([...posed, gaze?.x ?? 0, gaze?.y ?? 0, grain.noise, grain.blur, ...expression], i * NUMBERS);
  }

  at(i: number): FollowedFaceGuide | undefined {
    const numbers = this.#numbers.subarray(i * NUMBERS, (i + 1) * NUMBERS);
    const [kind = UNKNOWN, turn = 0, nod = 0, tilt = 0, scale = 0, right = 0, down = 0, ...others] = numbers;
    if (kind === UNKNOWN) return undefined;
    const [x = 0, y = 0, noise = 0, blur = 0, ...expression] = others;
    return {
      kind: 'followed-face',
      pose: { turn, nod, tilt, scale, shift: { x: right, y: down } },
      expression,
      ...(kind === GAZING ? { gaze: { x, y } as FollowedFaceGuide['gaze'] & object } : {}),
      grain: { noise, blur },
    };
  }
}

/** The looks of a followed face, kept as small as its guides. @param looks of every frame of its track. */
export function packLooks(looks: readonly FaceLook[]): FaceLooks {
  if (looks.every((look) => look === 'blurred')) return { at: () => 'blurred' };
  const guides = new PackedGuides(looks.length);
  for (const [i, look] of looks.entries()) if (look !== 'blurred') guides.set(i, look);
  return { at: (i) => guides.at(i) ?? 'blurred' };
}
