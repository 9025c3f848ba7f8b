import type { ClassName, Detection } from '../../core/types.ts';
import type { Job } from '../../worker/job.ts';
import { Levels } from '../levels.ts';
import { COVERED, ImageMeasurer } from '../measure-image.ts';
import { type Cluster, clusteredShare } from '../statistics.ts';
import { ClipClassTally } from './class-tally.ts';
import type { ClipLabels } from './labels.ts';
import type { ClipEvaluationReport } from './report.ts';

/** Sums up the measurement of clips, one after the other. */
export class ClipTally {
  readonly #job: Job;
  readonly #measurer: ImageMeasurer;
  readonly #classes: ReadonlyMap<ClassName, ClipClassTally>;
  readonly #whole: Cluster[] = [];
  readonly #wholeAnyClass: Cluster[] = [];
  #frames = 0;

  /** @param classes that are measured, of those that are looked for. */
  constructor(job: Job, classes: readonly ClassName[]) {
    this.#job = job;
    // Tracks have been decided: there is no threshold to be varied any more.
    const levels = Object.fromEntries(job.detect.classes.map((cls) => [cls, new Levels(1, 1)]));
    this.#measurer = new ImageMeasurer(job.policy, levels as Partial<Record<ClassName, Levels>>);
    this.#classes = new Map(classes.map((cls) => [cls, new ClipClassTally(cls)]));
  }

  /** @param covered what the run would redact, by frame; score 1. */
  add(
    clip: string,
    { frames, areAllLabelled, labelled }: ClipLabels,
    covered: readonly (readonly Detection[])[],
    width: number,
    height: number,
  ): void {
    const measuredFrames = areAllLabelled ? covered.map((_, frame) => frame) : [...frames.keys()].sort((a, b) => a - b);
    const [whole, wholeAny] = [
      { hits: 0, n: 0 },
      { hits: 0, n: 0 },
    ];
    for (const [position, frame] of measuredFrames.entries()) {
      const objects = frames.get(frame) ?? [];
      const image = { file: clip, name: clip, source: clip, labelled, objects };
      const measured = this.#measurer.measure(image, covered[frame] ?? [], width, height);
      const shown: { readonly coverage: number; readonly anyCoverage: number }[] = [];
      for (const [cls, own] of measured) {
        const tally = this.#classes.get(cls);
        if (!tally) continue;
        tally.add(clip, frame, position, own, objects.filter((object) => object.class === cls).length);
        shown.push(...own.objects);
      }
      if (shown.length === 0) continue;
      for (const [sums, isWhole] of [
        [whole, shown.every(({ coverage }) => coverage >= COVERED)],
        [wholeAny, shown.every(({ anyCoverage }) => anyCoverage >= COVERED)],
      ] as const) {
        sums.n++;
        if (isWhole) sums.hits++;
      }
    }
    this.#whole.push(whole);
    this.#wholeAnyClass.push(wholeAny);
    this.#frames += measuredFrames.length;
  }

  report(): Pick<ClipEvaluationReport, 'labelledFrames' | 'wholeFrames' | 'wholeFramesAnyClass' | 'classes'> {
    const { detect, policy, models } = this.#job;
    return {
      labelledFrames: this.#frames,
      wholeFrames: clusteredShare(this.#whole),
      wholeFramesAnyClass: clusteredShare(this.#wholeAnyClass),
      classes: [...this.#classes].map(([cls, tally]) =>
        tally.report({
          class: cls,
          model: models.find((m) => m.startsWith(`${cls}:`))?.slice(cls.length + 1) ?? '',
          threshold: detect.thresholds[cls],
          grow: policy.grow[cls],
        }),
      ),
    };
  }
}
