import type { Box, ClassName, Point, Region } from '../core/types.ts';
import { HEIGHT_BANDS, heightBand } from './groups.ts';
import type { LabelledImage } from './labels/types.ts';
import { type ClassMeasurement, COVERED } from './measure-image.ts';
import { outlineOf } from './pixels.ts';
import type { FalseAlarm, Miss } from './report.ts';

/** Of each kind and class. */
export const MOST_EXAMPLES = 24;
/** Of one photograph: the rest would look alike. */
const MOST_PER_IMAGE = 4;
/** Share of a region outside every label and its margin from which it is a false alarm rather than a generous redaction. */
const LEAST_OUTSIDE = 0.5;

/** What a picture of an example needs besides the example itself. */
export interface Drawn {
  /** Absolute path of the photograph. */
  readonly file: string;
  /** Of the labelled objects of the class, and of the regions that redact it. */
  readonly outlines: readonly (readonly Point[])[];
  readonly regions: readonly Pick<Region, 'shape' | 'core' | 'polygon'>[];
}

interface Candidate<T> {
  readonly example: T;
  readonly drawn: Drawn;
  /** Rank among those of its photograph: the worst of each come before the second worst of any. */
  readonly rank: number;
}

/**
 * The worst misses and the largest false alarms of one class. Keeps a few of each photograph and as many over all as
 * can be shown, so that the order in which photographs are measured does not matter.
 */
export class Examples {
  readonly #class: ClassName;
  readonly #misses: Candidate<Miss>[][] = Array.from({ length: HEIGHT_BANDS }, () => []);
  #alarms: Candidate<FalseAlarm>[] = [];

  constructor(cls: ClassName) {
    this.#class = cls;
  }

  add(image: LabelledImage, measured: ClassMeasurement): void {
    const drawn = (box: Box): Drawn => ({
      file: image.file,
      outlines: image.objects.filter((o) => o.class === this.#class && isNear(o.box, box)).map(outlineOf),
      regions: measured.regions.filter(({ region }) => isNear(region.box, box)).map(({ region }) => shapeOf(region)),
    });
    const missed = measured.objects.filter((o) => o.coverage < COVERED);
    for (const [band, pool] of this.#misses.entries()) {
      const own = missed
        .filter((o) => heightBand(o.height) === band)
        .sort((a, b) => a.coverage - b.coverage || b.area - a.area)
        .slice(0, MOST_PER_IMAGE)
        .map(({ object, coverage, height }, rank) => ({
          example: { image: image.name, class: this.#class, box: tuple(object.box), coverage, height },
          drawn: drawn(object.box),
          rank,
        }));
      this.#misses[band] = best([...pool, ...own], byCoverage);
    }
    const alarms = measured.regions
      .filter((r) => r.outside >= LEAST_OUTSIDE * r.area)
      .sort((a, b) => b.outside - a.outside)
      .slice(0, MOST_PER_IMAGE)
      .map(({ region, score, outside }, rank) => ({
        example: { image: image.name, class: this.#class, box: tuple(region.box), score, outside },
        drawn: drawn(region.box),
        rank,
      }));
    this.#alarms = best([...this.#alarms, ...alarms], byArea);
  }

  /** Worst first within each height; the heights take turns. */
  misses(): Pick<Candidate<Miss>, 'example' | 'drawn'>[] {
    const chosen: Candidate<Miss>[] = [];
    for (let i = 0; i < MOST_EXAMPLES && chosen.length < MOST_EXAMPLES; i++) {
      for (const pool of this.#misses) {
        const next = pool[i];
        if (next && chosen.length < MOST_EXAMPLES) chosen.push(next);
      }
    }
    return chosen;
  }

  /** Largest first. */
  falseAlarms(): Pick<Candidate<FalseAlarm>, 'example' | 'drawn'>[] {
    return [...this.#alarms].sort((a, b) => b.example.outside - a.example.outside);
  }
}

function best<T extends Miss | FalseAlarm>(candidates: Candidate<T>[], order: (a: T, b: T) => number): Candidate<T>[] {
  return candidates
    .sort((a, b) => a.rank - b.rank || order(a.example, b.example) || (a.example.image < b.example.image ? -1 : 1))
    .slice(0, MOST_EXAMPLES);
}

function byCoverage(a: Miss, b: Miss): number {
  return a.coverage - b.coverage || areaOf(b.box) - areaOf(a.box);
}

function byArea(a: FalseAlarm, b: FalseAlarm): number {
  return b.outside - a.outside;
}

function areaOf([x1, y1, x2, y2]: Miss['box']): number {
  return (x2 - x1) * (y2 - y1);
}

function tuple({ x1, y1, x2, y2 }: Box): Miss['box'] {
  return [x1, y1, x2, y2];
}

/** Whether `a` could be seen in a picture of `b` with its surroundings. */
function isNear(a: Box, b: Box): boolean {
  const margin = 2 * Math.max(b.x2 - b.x1, b.y2 - b.y1) + 32;
  return a.x1 < b.x2 + margin && a.x2 > b.x1 - margin && a.y1 < b.y2 + margin && a.y2 > b.y1 - margin;
}

function shapeOf({ shape, core, polygon }: Region): Drawn['regions'][number] {
  return { shape, core, ...(polygon ? { polygon } : {}) };
}
