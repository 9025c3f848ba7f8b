import type { ClassName } from '../core/types.ts';
import type { LabelFormat } from './labels/types.ts';
import type { Interval, Share } from './statistics.ts';

/** What is measured of a group of objects. Shares come with 95 % intervals over photographs. */
export interface ObjectMeasures {
  readonly objects: number;
  /** Photographs that show at least one of them. */
  readonly images: number;
  /** Median height in pixels. */
  readonly medianHeight: number | null;
  /** Share of objects of which at least 90 % of the pixels are redacted by their own class. */
  readonly cover90: Share;
  /** Mean share of an object's pixels that is redacted by its own class. */
  readonly meanCoverage: number | null;
  /** As `cover90`, but redacted by any class. */
  readonly anyClass: Share;
  /** Share of objects that a detection's tight box matches at IoU 0.5. */
  readonly recall: Share;
}

/** What is measured of whole photographs. */
export interface ImageMeasures {
  /** Share of detections that match an object at IoU 0.4. */
  readonly precision: Share;
  /**
   * Redacted pixels of the class over all pixels, both outside the labelled objects and a margin of a quarter of
   * their width and height on each side.
   */
  readonly background: number | null;
  /** The same without the margin: everything that no label covers. */
  readonly unlabelled: number | null;
}

export interface Group extends ObjectMeasures {
  readonly name: string;
}

/** The best and the worst of an attribute's values, by `cover90`. */
export interface Gap {
  readonly verdict: 'gap' | 'no gap shown' | 'too few to conclude';
  readonly best?: string;
  readonly worst?: string;
  /** `cover90` of the best less that of the worst. */
  readonly difference?: number;
  readonly interval?: Interval;
}

export interface AttributeReport {
  readonly name: string;
  /** Objects that carry the attribute, most first. */
  readonly groups: readonly Group[];
  readonly gap: Gap;
}

export interface CurvePoint {
  readonly threshold: number;
  readonly cover90: number | null;
  readonly background: number | null;
  readonly operating: boolean;
}

/** An object or region to look at. */
export interface Example {
  /** Name of the photograph below the data folder. */
  readonly image: string;
  readonly class: ClassName;
  /** x1, y1, x2, y2 in pixels. */
  readonly box: readonly [number, number, number, number];
}

export interface Miss extends Example {
  readonly coverage: number;
  readonly height: number;
}

export interface FalseAlarm extends Example {
  readonly score: number;
  /** Pixels of the region outside every labelled object. */
  readonly outside: number;
}

export interface ClassReport extends ObjectMeasures, ImageMeasures {
  readonly class: ClassName;
  /** `id@sha256:…` */
  readonly model: string;
  readonly threshold: number;
  readonly grow: number;
  /** Measured photographs on which the class is labelled. */
  readonly labelledImages: number;
  readonly ignored: number;
  readonly byHeight: readonly Group[];
  readonly bySource: readonly (Group & ImageMeasures)[];
  readonly byAttribute: readonly AttributeReport[];
  /** Attributes that were not broken down, and why. */
  readonly skippedAttributes: readonly { readonly name: string; readonly reason: string }[];
  /** By falling threshold. */
  readonly curve: readonly CurvePoint[];
  readonly misses: readonly Miss[];
  readonly falseAlarms: readonly FalseAlarm[];
}

export interface FailedImage {
  readonly image: string;
  readonly stage: string;
  readonly reason: string;
  readonly message: string;
}

export interface EvaluationReport {
  readonly v: 1;
  readonly version: string;
  readonly data: string;
  readonly formats: readonly LabelFormat[];
  /** Category names that stand for no class, with the number of their objects. */
  readonly unmapped: Readonly<Record<string, number>>;
  readonly quality: string;
  readonly device: readonly string[];
  readonly workers: number;
  /** Photographs that were measured. */
  readonly images: number;
  /** Mean over them. */
  readonly megapixels: number | null;
  readonly failed: readonly FailedImage[];
  /** Mean milliseconds per photograph, by stage. */
  readonly msPerImage: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly classes: readonly ClassReport[];
  /** How the verdicts on gaps were reached. */
  readonly gapRule: string;
}
