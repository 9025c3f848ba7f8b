import type { ClassName } from '../core/types.ts';
import { byAttribute } from './attributes.ts';
import { Curve } from './curve.ts';
import { type Drawn, Examples } from './examples.ts';
import { byHeight, bySource, type ImageRecord, measureImages, measureObjects } from './groups.ts';
import type { LabelledImage } from './labels/types.ts';
import type { Levels } from './levels.ts';
import type { ClassMeasurement } from './measure-image.ts';
import type { ClassReport, FalseAlarm, Miss } from './report.ts';

/** An example and what a picture of it needs. */
export interface Picture {
  readonly example: Miss | FalseAlarm;
  readonly drawn: Drawn;
}

/** Sums up one class over photographs, which may come in any order. */
export class ClassTally {
  readonly #levels: Levels;
  readonly #curve: Curve;
  readonly #examples: Examples;
  /** By index of the photograph. */
  readonly #images = new Map<number, ImageRecord>();
  #ignored = 0;

  constructor(cls: ClassName, levels: Levels) {
    this.#levels = levels;
    this.#curve = new Curve(levels);
    this.#examples = new Examples(cls);
  }

  /**
   * @param index of the photograph, so that sums do not depend on which worker was faster
   * @param scores of all detections of the class, from the floor on
   */
  add(index: number, image: LabelledImage, measured: ClassMeasurement, scores: readonly number[]): void {
    this.#curve.add(measured, scores);
    this.#examples.add(image, measured);
    this.#ignored += measured.ignored;
    let redacted = 0;
    for (let level = this.#levels.operating + 1; level < measured.backgroundLevels.length; level++) {
      redacted += measured.backgroundLevels[level] as number;
    }
    this.#images.set(index, {
      source: image.source,
      objects: measured.objects.map(({ object, height, area, coverage, anyCoverage, found }) => ({
        attributes: object.attributes,
        height,
        area,
        coverage,
        anyCoverage,
        found,
      })),
      detections: measured.detections,
      background: measured.background,
      margin: measured.margin,
      redacted,
    });
  }

  report(settings: Pick<ClassReport, 'class' | 'model' | 'threshold' | 'grow'>): ClassReport {
    const images = [...this.#images].sort(([a], [b]) => a - b).map(([, record]) => record);
    return {
      ...settings,
      labelledImages: images.length,
      ignored: this.#ignored,
      ...measureObjects(images),
      ...measureImages(images),
      byHeight: byHeight(images),
      bySource: bySource(images),
      ...byAttribute(images),
      curve: this.#curve.points(),
      misses: this.#examples.misses().map(({ example }) => example),
      falseAlarms: this.#examples.falseAlarms().map(({ example }) => example),
    };
  }

  pictures(): { readonly misses: readonly Picture[]; readonly falseAlarms: readonly Picture[] } {
    return { misses: this.#examples.misses(), falseAlarms: this.#examples.falseAlarms() };
  }
}
