import { CLASSES, type ClassName } from '../core/types.ts';
import type { Share } from '../eval/statistics.ts';
import { randomFrom } from '../redact/random.ts';
import { descriptorDistance } from './face-recognizer.ts';
import { type Identities, subset } from './identities.ts';
import { averageStatistics, frechetDistance } from './image-statistics.ts';
import { legibility } from './legibility.ts';
import type { MeasuredOriginal, MeasuredRedacted } from './measure-photograph.ts';
import { NOTES } from './notes.ts';
import type { OriginalSet } from './photograph.ts';
import { countPeople, type Reidentification, reidentify, shuffle } from './reidentification.ts';
import type { AttackReport, FailedPhotograph, ImageChange, RedactionReport } from './report.ts';
import { type FacePair, sourceSimilarity } from './source-similarity.ts';
import { trialsOf } from './trials.ts';
import { utility } from './utility.ts';

/** A redaction, measured photograph by photograph in the order of the originals. */
export interface Measured {
  readonly name: string;
  readonly redacted: readonly (MeasuredRedacted | undefined)[];
  readonly missing: number;
  readonly failed: readonly FailedPhotograph[];
}

/** Most pairs of strangers that are looked at. */
const MOST_IMPOSTORS = 20_000;

type Sums = Omit<AttackReport, 'v' | 'version' | 'quality' | 'classes' | 'models' | 'seconds'>;

export function sumUp(
  { photographs, identities }: OriginalSet,
  originals: readonly (MeasuredOriginal | undefined)[],
  failed: readonly FailedPhotograph[],
  measured: readonly Measured[],
  isLookingForFaces: boolean,
): Sums {
  const withFace = indices(originals, (o) => o !== undefined && o.faces.length > 0);
  const people = countPeople(subset(identities, withFace));
  const noIdentification = isLookingForFaces ? whyNot(identities, people) : 'faces are not looked for';
  const compare = (by: Feature) => identify(identities, withFace, originals, originals, by);
  const original = noIdentification === null ? compare('descriptor') : undefined;
  const originalPixels = original && compare('pixels');
  // Whether people are enough to conclude from is told by recognition alone.
  const references =
    original && originalPixels
      ? { descriptor: original, pixels: { threshold: originalPixels.threshold, verdict: original.verdict } }
      : undefined;
  const strangers = impostors(identities, originals);
  const features = originals.flatMap((o) => (o ? [o.features] : []));
  return {
    photographs: originals.filter(Boolean).length,
    failed,
    withoutFace: photographs.flatMap(({ name }, i) =>
      isLookingForFaces && originals[i] && !withFace.includes(i) ? [name] : [],
    ),
    people,
    noIdentification,
    original: original ?? null,
    originalPixels: originalPixels ?? null,
    strings: {
      plate: { found: total(originals, (o) => o.looked.plate), known: total(originals, (o) => stringsOf(o, 'plate')) },
      text: { found: total(originals, (o) => o.looked.text), known: total(originals, (o) => stringsOf(o, 'text')) },
    },
    frechetOfHalves: distanceOfHalves(features),
    redactions: measured.map((m) => reportOf(m, identities, originals, references, strangers)),
    notes: NOTES,
  };
}

function reportOf(
  { name, redacted, missing, failed }: Measured,
  identities: Identities,
  originals: readonly (MeasuredOriginal | undefined)[],
  references: Readonly<Record<Feature, Reference>> | undefined,
  strangers: readonly number[],
): RedactionReport {
  const present = indices(redacted, (r) => r !== undefined);
  const withFace = present.filter((i) => (redacted[i] as MeasuredRedacted).faces.length > 0);
  const faces = present.flatMap((i) =>
    (redacted[i] as MeasuredRedacted).faces.map((face, k): FacePair & { isUntouched: boolean } => ({
      photograph: i,
      original: (originals[i] as MeasuredOriginal).faces[k]?.descriptor as Float32Array,
      redacted: face.descriptor,
      isUntouched: face.isUntouched,
    })),
  );
  const read = (cls: 'plate' | 'text') =>
    legibility(
      present.flatMap((i) =>
        (redacted[i] as MeasuredRedacted).lines.filter((l) => l.class === cls).map((l) => ({ ...l, photograph: i })),
      ),
    ) ?? null;
  const attacked = (by: Feature, gallery: readonly Described[]): Reidentification | null =>
    references ? (identify(identities, withFace, gallery, redacted, by, references[by]) ?? null) : null;
  return {
    name,
    photographs: present.length,
    missing,
    failed,
    faces: faces.length,
    untouchedFaces: faces.filter((f) => f.isUntouched).length,
    naive: attacked('descriptor', originals),
    parrot: attacked('descriptor', redacted),
    pixels: attacked('pixels', redacted),
    source: sourceSimilarity(faces, strangers) ?? null,
    legibility: { plate: read('plate'), text: read('text') },
    utility: Object.fromEntries(
      CLASSES.map((cls) => [cls, utility(present.map((i) => (redacted[i] as MeasuredRedacted).found[cls]))]),
    ) as Record<ClassName, Share>,
    images: present.length === 0 ? null : imageChange(present, originals, redacted),
  };
}

/** What was found on originals. */
type Reference = Pick<Reidentification, 'threshold' | 'verdict'>;
/** What of faces is compared. */
type Feature = 'descriptor' | 'pixels';
type Described = { readonly faces: readonly Readonly<Record<Feature, Float32Array>>[] } | undefined;

/** Compares the largest faces of the photographs `kept`. */
function identify(
  identities: Identities,
  kept: readonly number[],
  gallery: readonly Described[],
  probes: readonly Described[],
  by: Feature,
  original?: Reference,
): Reidentification | undefined {
  const largest = (set: readonly Described[], i: number): Float32Array =>
    set[kept[i] as number]?.faces[0]?.[by] as Float32Array;
  const trials = trialsOf(kept.length, (g, p) => descriptorDistance(largest(gallery, g), largest(probes, p)));
  return reidentify(trials, subset(identities, kept), original);
}

function whyNot({ people }: Identities, counted: ReturnType<typeof countPeople>): string | null {
  if (people.every((person) => person === undefined)) return 'it is not known who is on which photograph';
  if (counted.photographs === 0) return 'no face was found on a photograph of a known person';
  if (counted.people < 2) return 'there is one person only';
  if (counted.withMates === 0) return 'nobody is on two photographs with a face';
  return null;
}

/**
 * Distances between faces of different people: those of one photograph, the largest ones of photographs of different
 * people and, where nobody is known, of different photographs.
 */
function impostors({ people, relation }: Identities, originals: readonly (MeasuredOriginal | undefined)[]): number[] {
  const nobodyKnown = people.every((person) => person === undefined);
  const distances: number[] = [];
  const faces = originals.map((o) => o?.faces ?? []);
  for (const [i, own] of faces.entries()) {
    for (let a = 0; a < own.length; a++) {
      for (let b = 0; b < a; b++) distances.push(distanceOf(own, a, own, b));
    }
    for (let j = 0; j < i; j++) {
      const others = faces[j] ?? [];
      if (own.length === 0 || others.length === 0) continue;
      if (nobodyKnown || relation(i, j) === 'different') distances.push(distanceOf(own, 0, others, 0));
    }
  }
  if (distances.length <= MOST_IMPOSTORS) return distances;
  const random = randomFrom(0x69_6d_70);
  return Array.from({ length: MOST_IMPOSTORS }, () => random.pick(distances));
}

type Faces = MeasuredOriginal['faces'];

function distanceOf(p: Faces, a: number, q: Faces, b: number): number {
  return descriptorDistance(p[a]?.descriptor as Float32Array, q[b]?.descriptor as Float32Array);
}

function imageChange(
  attacked: readonly number[],
  originals: readonly (MeasuredOriginal | undefined)[],
  redacted: readonly (MeasuredRedacted | undefined)[],
): ImageChange {
  const before = attacked.map((i) => originals[i] as MeasuredOriginal);
  const after = attacked.map((i) => redacted[i] as MeasuredRedacted);
  return {
    before: averageStatistics(before.map((o) => o.statistics)),
    after: averageStatistics(after.map((r) => r.statistics)),
    frechet:
      frechetDistance(
        before.map((o) => o.features),
        after.map((r) => r.features),
      ) ?? null,
  };
}

/** Dealt out at random, but the same way every time. */
function distanceOfHalves(features: readonly Float32Array[]): number | null {
  const order = [...shuffle(features.length, randomFrom(0x68_61_6c))].map((i) => features[i] as Float32Array);
  const half = order.length >> 1;
  return frechetDistance(order.slice(0, half), order.slice(half)) ?? null;
}

function stringsOf({ strings }: MeasuredOriginal, cls: 'plate' | 'text'): number {
  return strings.filter((s) => s.class === cls).length;
}

function total(originals: readonly (MeasuredOriginal | undefined)[], of: (o: MeasuredOriginal) => number): number {
  return originals.reduce((sum, o) => sum + (o ? of(o) : 0), 0);
}

function indices<T>(items: readonly T[], keep: (item: T) => boolean): number[] {
  return items.flatMap((item, i) => (keep(item) ? [i] : []));
}
