import type { ClassName } from '../../core/types.ts';
import { byHeight, bySource, type ImageRecord, measureImages, measureObjects, type ObjectRecord } from '../groups.ts';
import { type ClassMeasurement, COVERED } from '../measure-image.ts';
import { type Cluster, clusteredShare } from '../statistics.ts';
import type { ClipObject } from './labels.ts';
import type { ClipClassReport } from './report.ts';
import { longestRun, type SeenThing } from './runs.ts';

/** Runs that are reported one by one. */
const MOST_RUNS = 50;

/** What is kept of one thing of a clip, or of all those without an id. */
interface Thing {
  readonly clip: string;
  readonly id: string | undefined;
  readonly objects: ObjectRecord[];
  readonly seen: { readonly frame: number; readonly position: number; readonly coverage: number }[];
}

/** What is kept of a clip: sums over its labelled frames. */
interface ClipSums {
  background: number;
  redacted: number;
  readonly margin: { pixels: number; redacted: number };
  readonly frames: { hits: number; n: number };
}

/** Sums up one class over the labelled frames of clips, in their order. */
export class ClipClassTally {
  readonly #class: ClassName;
  readonly #things = new Map<string, Thing>();
  readonly #clips = new Map<string, ClipSums>();
  #ignored = 0;
  #outside = 0;

  constructor(cls: ClassName) {
    this.#class = cls;
  }

  /** @param position of the frame among the labelled ones of its clip. */
  add(clip: string, frame: number, position: number, measured: ClassMeasurement, labelled: number): void {
    const { objects, ignored, background, backgroundLevels, margin } = measured;
    this.#ignored += ignored;
    this.#outside += labelled - ignored - objects.length;
    const sums = this.#sumsOf(clip);
    sums.background += background;
    sums.redacted += background - (backgroundLevels[0] as number);
    sums.margin.pixels += margin.pixels;
    sums.margin.redacted += margin.redacted;
    if (objects.length > 0) {
      sums.frames.n++;
      if (objects.every(({ coverage }) => coverage >= COVERED)) sums.frames.hits++;
    }
    for (const { object, height, area, coverage, anyCoverage, found } of objects) {
      const thing = this.#thingOf(clip, (object as ClipObject).id);
      thing.objects.push({ attributes: {}, height, area, coverage, anyCoverage, found });
      thing.seen.push({ frame, position, coverage });
    }
  }

  #sumsOf(clip: string): ClipSums {
    const sums = this.#clips.get(clip) ?? {
      background: 0,
      redacted: 0,
      margin: { pixels: 0, redacted: 0 },
      frames: { hits: 0, n: 0 },
    };
    this.#clips.set(clip, sums);
    return sums;
  }

  #thingOf(clip: string, id: string | undefined): Thing {
    const key = JSON.stringify([clip, id]);
    const thing = this.#things.get(key) ?? { clip, id, objects: [], seen: [] };
    this.#things.set(key, thing);
    return thing;
  }

  report(settings: Pick<ClipClassReport, 'class' | 'model' | 'threshold' | 'grow'>): ClipClassReport {
    const things = [...this.#things.values()];
    const nothing = {
      background: 0,
      margin: { pixels: 0, redacted: 0 },
      redacted: 0,
      detections: { counted: 0, right: 0 },
    };
    const records: ImageRecord[] = [
      ...things.map(({ clip, objects }) => ({ ...nothing, source: clip, objects })),
      ...[...this.#clips].map(([source, sums]) => ({ ...nothing, ...sums, source, objects: [] })),
    ];
    const named = things.flatMap(({ clip, id, seen }): SeenThing[] =>
      id === undefined ? [] : [{ clip, class: this.#class, id, seen }],
    );
    const runs = named.flatMap((thing) => longestRun(thing) ?? []).sort((a, b) => b.frames - a.frames);
    return {
      ...settings,
      ignored: this.#ignored,
      outside: this.#outside,
      ...measureObjects(records),
      ...imageMeasures(records),
      wholeFrames: clusteredShare([...this.#clips.values()].map(({ frames }) => frames)),
      things: clusteredShare(named.map((thing): Cluster => ({ hits: longestRun(thing) ? 0 : 1, n: 1 }))),
      longestRun: runs[0]?.frames ?? 0,
      runs: runs.slice(0, MOST_RUNS),
      byHeight: byHeight(records),
      bySource: bySource(records).map(({ precision: _, ...clip }) => clip),
    };
  }
}

function imageMeasures(records: readonly ImageRecord[]): Pick<ClipClassReport, 'background' | 'unlabelled'> {
  const { background, unlabelled } = measureImages(records);
  return { background, unlabelled };
}
