import type { Box, ClassName, Detection, Region } from '../core/types.ts';
import { type Policy, planRegions } from '../redact/plan.ts';
import type { LabelledImage, LabelledObject } from './labels/types.ts';
import type { Levels } from './levels.ts';
import { matchDetections } from './match.ts';
import { LABELLED, MARGINAL, markMargins, outsideOf, paint } from './pixel-map.ts';
import { heightOf, outlineOf, pixelRuns, type Run, tightBox } from './pixels.ts';

/** Share of an object's pixels that must be redacted for it to count as covered. */
export const COVERED = 0.9;

export interface MeasuredObject {
  readonly object: LabelledObject;
  /** Pixels by which it is grouped. */
  readonly height: number;
  /** Its own pixels inside the image. */
  readonly area: number;
  /** Share of them redacted at the operating threshold, by its own class and by all classes. */
  readonly coverage: number;
  readonly anyCoverage: number;
  /** Of the levels, how many thresholds are low enough to cover it. */
  readonly coveredLevels: number;
  /** Whether a detection's tight box matches it. */
  readonly found: boolean;
}

/** A region at the operating threshold, and its pixels outside every label. */
export interface MeasuredRegion {
  readonly region: Region;
  readonly score: number;
  readonly area: number;
  readonly outside: number;
}

/** One class on one photograph. */
export interface ClassMeasurement {
  /** Without the ignored ones and those that show no pixel inside the image. */
  readonly objects: readonly MeasuredObject[];
  readonly ignored: number;
  readonly regions: readonly MeasuredRegion[];
  /** Detections at the operating threshold: those that count, and those of them that match an object. */
  readonly detections: { readonly counted: number; readonly right: number };
  /** Pixels outside all objects, ignored ones included, and outside the margin around them. */
  readonly background: number;
  /** Of these, the redacted ones by the number of levels at which they are: `[0]` are never. */
  readonly backgroundLevels: Uint32Array;
  /** Pixels of the margins, and those redacted at the operating threshold. */
  readonly margin: { readonly pixels: number; readonly redacted: number };
}

/**
 * Measures photographs one after the other; its pixel maps are kept, since photographs have millions of pixels.
 */
export class ImageMeasurer {
  readonly #policy: Policy;
  readonly #levels: Readonly<Partial<Record<ClassName, Levels>>>;
  #map = new Uint16Array(0);
  #any = new Uint8Array(0);

  /** @param levels of every class that is measured */
  constructor(policy: Policy, levels: Readonly<Partial<Record<ClassName, Levels>>>) {
    this.#policy = policy;
    this.#levels = levels;
  }

  /**
   * @param detections from the floor on, of an upright image of `width` × `height` pixels
   * @returns by class that is measured and labelled on this photograph
   * @throws SampleError when a detection is not finite
   */
  measure(
    image: LabelledImage,
    detections: readonly Detection[],
    width: number,
    height: number,
  ): Map<ClassName, ClassMeasurement> {
    const planned = detections.map((detection) => this.#plan(detection, width, height));
    if (this.#map.length < width * height) {
      this.#map = new Uint16Array(width * height);
      this.#any = new Uint8Array(width * height);
    }
    this.#any.fill(0, 0, width * height);
    for (const { region, isOperating } of planned) {
      if (region && isOperating) paint(region, width, height, this.#any, 1);
    }
    const measured = new Map<ClassName, ClassMeasurement>();
    for (const cls of image.labelled) {
      const levels = this.#levels[cls];
      if (!levels) continue;
      const own = planned.filter((p) => p.detection.label === cls);
      measured.set(cls, this.#measureClass(cls, levels, image, own, width, height));
    }
    return measured;
  }

  #plan(detection: Detection, width: number, height: number): Planned {
    const [region] = planRegions([detection], this.#policy, width, height);
    const levels = detection.label === 'vehicle' ? undefined : this.#levels[detection.label];
    const level = levels?.of(detection.score) ?? 0;
    return {
      detection,
      level,
      isOperating: levels !== undefined && level > levels.operating,
      ...(region && { region }),
    };
  }

  #measureClass(
    cls: ClassName,
    levels: Levels,
    image: LabelledImage,
    planned: readonly Planned[],
    width: number,
    height: number,
  ): ClassMeasurement {
    const map = this.#map.fill(0, 0, width * height);
    // Ascending, so that every pixel ends up with the best of its regions.
    for (const { region, level } of [...planned].sort((a, b) => a.level - b.level)) {
      if (region) paint(region, width, height, map, level);
    }
    const labelled = image.objects.filter((object) => object.class === cls);
    const runs = labelled.map((object) => pixelRuns(outlineOf(object), width, height));
    const shown = labelled.flatMap((object, i) => {
      const own = runs[i] as Run[];
      return object.ignore || own.length === 0 ? [] : [{ object, runs: own }];
    });
    const box = (object: LabelledObject): Box => tightBox(object, width, height);
    const operating = planned.filter((p) => p.isOperating);
    const matches = matchDetections(
      operating.map(({ detection }) => ({ score: detection.score, box: tightBox(detection, width, height) })),
      shown.map(({ object }) => box(object)),
      labelled.filter((object) => object.ignore).map(box),
    );
    const objects = shown.map(({ object, runs: own }, i) => ({
      object,
      height: heightOf(object),
      ...this.#cover(own, levels, width),
      found: matches.found[i] === true,
    }));
    for (const own of runs) {
      for (const { y, x1, x2 } of own) map.fill(LABELLED, y * width + x1, y * width + x2);
    }
    const margin = markMargins(labelled, map, width, height, levels.operating);
    const backgroundLevels = new Uint32Array(levels.count + 1);
    let background = 0;
    for (let i = 0; i < width * height; i++) {
      const level = map[i] as number;
      if (level >= MARGINAL) continue;
      background++;
      (backgroundLevels[level] as number)++;
    }
    return {
      objects,
      ignored: labelled.filter((object) => object.ignore).length,
      regions: operating.flatMap(({ region, detection }) =>
        region ? [{ region, score: detection.score, ...outsideOf(region, width, height, map) }] : [],
      ),
      detections: { counted: matches.counted, right: matches.right },
      background,
      backgroundLevels,
      margin,
    };
  }

  #cover(
    runs: readonly Run[],
    levels: Levels,
    width: number,
  ): Pick<MeasuredObject, 'area' | 'coverage' | 'anyCoverage' | 'coveredLevels'> {
    const pixels = new Uint32Array(levels.count + 1);
    let area = 0;
    let any = 0;
    for (const { y, x1, x2 } of runs) {
      area += x2 - x1;
      for (let i = y * width + x1; i < y * width + x2; i++) {
        (pixels[this.#map[i] as number] as number)++;
        any += this.#any[i] as number;
      }
    }
    let covered = 0;
    let operating = 0;
    let coveredLevels = 0;
    // Down from the highest threshold: at threshold k, pixels of more than k levels are redacted.
    for (let k = levels.count - 1; k >= 0; k--) {
      covered += pixels[k + 1] as number;
      if (k === levels.operating) operating = covered;
      if (coveredLevels === 0 && covered / area >= COVERED) coveredLevels = k + 1;
    }
    return { area, coverage: operating / area, anyCoverage: any / area, coveredLevels };
  }
}

interface Planned {
  readonly detection: Detection;
  readonly region?: Region;
  readonly level: number;
  readonly isOperating: boolean;
}
