import type { RejectedOutcome } from '../core/outcome.ts';
import type { ClassName } from '../core/types.ts';
import { SampleError } from '../errors.ts';
import type { DetectedSample, Job } from '../worker/job.ts';
import { rejection } from '../worker/process.ts';
import { ClassTally } from './class-tally.ts';
import type { Evaluation } from './evaluate.ts';
import { evaluationJob } from './job.ts';
import type { LabelledImage } from './labels/types.ts';
import { Levels } from './levels.ts';
import { ImageMeasurer } from './measure-image.ts';
import type { EvaluationReport, FailedImage } from './report.ts';

/** Sums up an evaluation, outcome by outcome; they may come in any order. */
export class Tally {
  readonly evaluation: Job;
  readonly failed = new Map<number, FailedImage>();
  readonly #job: Job;
  readonly #images: readonly LabelledImage[];
  readonly #measurer: ImageMeasurer;
  readonly #classes: readonly (readonly [ClassName, ClassTally])[];
  readonly #ms: Record<string, number> = {};
  #measured = 0;
  #pixels = 0;

  constructor(job: Job, images: readonly LabelledImage[], classes: readonly ClassName[]) {
    this.#job = job;
    this.#images = images;
    this.evaluation = evaluationJob(job);
    // Of all that are looked for, since any of them may cover an object.
    const levels = Object.fromEntries(
      job.detect.classes.map((cls) => [
        cls,
        new Levels(this.evaluation.detect.thresholds[cls], job.detect.thresholds[cls]),
      ]),
    ) as Partial<Record<ClassName, Levels>>;
    this.#measurer = new ImageMeasurer(job.policy, levels);
    this.#classes = classes.map((cls) => [cls, new ClassTally(cls, levels[cls] as Levels)] as const);
  }

  get done(): number {
    return this.#measured + this.failed.size;
  }

  add(index: number, outcome: DetectedSample | RejectedOutcome): void {
    const image = this.#images[index] as LabelledImage;
    try {
      if (outcome.status !== 'detected') this.#fail(index, outcome);
      else this.#measure(index, image, outcome);
    } catch (error) {
      if (!(error instanceof SampleError)) throw error;
      this.#fail(index, rejection(error, error.stage));
    }
  }

  #measure(index: number, image: LabelledImage, { detections, width, height, timings }: DetectedSample): void {
    const measured = this.#measurer.measure(image, detections, width, height);
    for (const [cls, tally] of this.#classes) {
      const own = measured.get(cls);
      const scores = detections.filter((d) => d.label === cls).map((d) => d.score);
      if (own) tally.add(index, image, own, scores);
    }
    for (const [stage, ms] of Object.entries(timings)) this.#ms[stage] = (this.#ms[stage] ?? 0) + ms;
    this.#measured++;
    this.#pixels += width * height;
  }

  #fail(index: number, { stage, reason, message }: RejectedOutcome): void {
    this.failed.set(index, { image: (this.#images[index] as LabelledImage).name, stage, reason, message });
  }

  sums(): Pick<EvaluationReport, 'images' | 'megapixels' | 'failed' | 'msPerImage'> {
    const n = this.#measured;
    return {
      images: n,
      megapixels: n > 0 ? this.#pixels / 1e6 / n : null,
      failed: [...this.failed].sort(([a], [b]) => a - b).map(([, image]) => image),
      msPerImage: Object.fromEntries(Object.entries(this.#ms).map(([stage, ms]) => [stage, ms / n])),
    };
  }

  classReports(): EvaluationReport['classes'] {
    const { detect, policy, models } = this.#job;
    return this.#classes.map(([cls, tally]) =>
      tally.report({
        class: cls,
        model: models.find((m) => m.startsWith(`${cls}:`))?.slice(cls.length + 1) ?? '',
        threshold: detect.thresholds[cls],
        grow: policy.grow[cls],
      }),
    );
  }

  pictures(): Evaluation['pictures'] {
    return Object.fromEntries(this.#classes.map(([cls, tally]) => [cls, tally.pictures()]));
  }
}
