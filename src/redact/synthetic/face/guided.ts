import type { FaceGuide, FollowedFaceGuide, Grain, Guide, Point, Region, RgbImage } from '../../../core/types.ts';
import type { Scene } from '../../patch.ts';
import { readExpression } from './expression.ts';
import { measureGrain } from './grain.ts';
import type { FaceModel } from './model.ts';
import { complexionOf } from './person.ts';
import { fitPose, frontalShape, type Pose, posed } from './pose.ts';

/** Points that are farther from the mean face than this, in pixels of the frame, are not those of a face. */
const MOST_RESIDUAL = 14;
/** Smaller faces, in pixels of the image per pixel of the frame, are blobs: blur does as well. */
const LEAST_SCALE = 0.06;

/** What a face is drawn by. */
interface DrawnFace extends Omit<FollowedFaceGuide, 'kind' | 'complexion' | 'grain'> {
  readonly pose: Pose;
  readonly complexion?: number;
  readonly grain?: Grain;
}

/** What a guide says of the face to draw; nothing when it is none of a face, or shows none that is worth drawing. */
export function faceToDraw(guide: Guide | undefined, model: FaceModel): DrawnFace | undefined {
  if (guide?.kind === 'face') return readFace(guide, model);
  return guide?.kind === 'followed-face' ? { ...guide, pose: posed(guide.pose, model.mean) } : undefined;
}

/** What is followed of a face in a clip: its points are left behind. */
export function followFace({ guide, box }: Region, scene: Scene, model: FaceModel): FollowedFaceGuide | undefined {
  const face = guide?.kind === 'face' ? readFace(guide, model) : undefined;
  if (!face) return undefined;
  const { turn, nod, tilt, scale, shift } = face.pose;
  const pose = { turn, nod, tilt, scale, shift };
  const complexion = cheeksOf(scene.image, guide as FaceGuide);
  return { ...face, kind: 'followed-face', pose, complexion, grain: measureGrain(scene, box) };
}

/** Places on the way from the nose to the outline, between the features. */
const CHEEKS = [0.4, 0.5, 0.6] as const;
const NOSE = 30;

/** The complexion that the middle one of some pixels of the cheeks has. */
function cheeksOf({ data, width, height }: RgbImage, { landmarks }: FaceGuide): number {
  const nose = landmarks[NOSE] as Point;
  const inside = (value: number, size: number): number => Math.min(size - 1, Math.max(0, Math.floor(value)));
  const seen = landmarks.slice(1, 16).flatMap((jaw) =>
    CHEEKS.map((share) => {
      const x = inside(nose.x + share * (jaw.x - nose.x), width);
      const y = inside(nose.y + share * (jaw.y - nose.y), height);
      return complexionOf(data.subarray((y * width + x) * 3));
    }),
  );
  return seen.sort((a, b) => a - b)[seen.length >> 1] as number;
}

function readFace({ landmarks, gaze }: FaceGuide, model: FaceModel): DrawnFace | undefined {
  const pose = fitPose(landmarks, model.mean);
  if (!(pose.residual < MOST_RESIDUAL && pose.scale > LEAST_SCALE)) return undefined;
  const expression = readExpression(model, frontalShape(landmarks, pose, model.mean));
  return { pose, expression, ...(gaze ? { gaze } : {}) };
}
