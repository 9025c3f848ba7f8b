import type { ClassMeasurement, MeasuredObject } from './measure-image.ts';
import { COVERED } from './measure-image.ts';
import type { Group, ImageMeasures, ObjectMeasures } from './report.ts';
import { type Cluster, clusteredShare } from './statistics.ts';

/** What is kept of one object, once its photograph has been measured. */
export interface ObjectRecord extends Pick<MeasuredObject, 'height' | 'area' | 'coverage' | 'anyCoverage' | 'found'> {
  readonly attributes: Readonly<Record<string, string>>;
}

/** What is kept of one photograph for one class. */
export interface ImageRecord extends Pick<ClassMeasurement, 'detections' | 'background' | 'margin'> {
  readonly source: string;
  readonly objects: readonly ObjectRecord[];
  /** Background pixels redacted at the operating threshold. */
  readonly redacted: number;
}

const HEIGHTS: readonly { readonly name: string; readonly below: number }[] = [
  { name: '< 16 px', below: 16 },
  { name: '16–32 px', below: 32 },
  { name: '32–96 px', below: 96 },
  { name: '≥ 96 px', below: Infinity },
];

/** Index of the group of heights that an object of this height in pixels belongs to. */
export function heightBand(height: number): number {
  return HEIGHTS.findIndex(({ below }) => height < below);
}

export const HEIGHT_BANDS = HEIGHTS.length;

/** Measures the objects of some photographs, or those that `belongs` picks. */
export function measureObjects(
  images: readonly ImageRecord[],
  belongs: (object: ObjectRecord) => boolean = () => true,
): ObjectMeasures {
  const perImage = images.map((image) => image.objects.filter(belongs)).filter((objects) => objects.length > 0);
  const objects = perImage.flat();
  const share = (hit: (object: ObjectRecord) => boolean) =>
    clusteredShare(perImage.map((own): Cluster => ({ hits: own.filter(hit).length, n: own.length })));
  return {
    objects: objects.length,
    images: perImage.length,
    medianHeight: median(objects.map((o) => o.height)),
    cover90: share((o) => o.coverage >= COVERED),
    meanCoverage: objects.length > 0 ? objects.reduce((sum, o) => sum + o.coverage, 0) / objects.length : null,
    anyClass: share((o) => o.anyCoverage >= COVERED),
    recall: share((o) => o.found),
  };
}

export function measureImages(images: readonly ImageRecord[]): ImageMeasures {
  const background = images.reduce((sum, image) => sum + image.background, 0);
  const redacted = images.reduce((sum, image) => sum + image.redacted, 0);
  const around = images.reduce((sum, image) => sum + image.margin.pixels, 0);
  const redactedAround = images.reduce((sum, image) => sum + image.margin.redacted, 0);
  return {
    precision: clusteredShare(images.map(({ detections }) => ({ hits: detections.right, n: detections.counted }))),
    background: background > 0 ? redacted / background : null,
    unlabelled: background + around > 0 ? (redacted + redactedAround) / (background + around) : null,
  };
}

export function byHeight(images: readonly ImageRecord[]): Group[] {
  return HEIGHTS.map(({ name }, band) => ({
    name,
    ...measureObjects(images, (object) => heightBand(object.height) === band),
  }));
}

export function bySource(images: readonly ImageRecord[]): (Group & ImageMeasures)[] {
  return [...new Set(images.map((image) => image.source))].sort().map((name) => {
    const own = images.filter((image) => image.source === name);
    return { name, ...measureObjects(own), ...measureImages(own) };
  });
}

function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}
