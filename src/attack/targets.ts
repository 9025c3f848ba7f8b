import { boxHeight, boxWidth, containment, type OrientedRect } from '../core/geometry.ts';
import type { Box, ClassName, Detection, RgbImage } from '../core/types.ts';
import { coarsePixels } from './coarse-pixels.ts';
import { type FaceRecognizer, faceCrop } from './face-recognizer.ts';
import { LEAST_CONFIDENCE } from './legibility.ts';
import type { LabelledString } from './photograph.ts';
import { plainCrops } from './reading-attempts.ts';
import { normalise, TELLING } from './strings.ts';
import { lineRect } from './text-line.ts';
import type { TextRecognizer } from './text-recognizer.ts';

/** Faces whose shorter side has fewer pixels are too small to be recognised, but for the largest of a photograph. */
const LEAST_FACE = 32;
/** Share of a line of text inside a plate from which it belongs to the plate. */
const ON_PLATE = 0.5;

/** A face of the original that is looked for. */
export interface FaceTarget {
  readonly box: Box;
  readonly crop: RgbImage;
  readonly descriptor: Float32Array;
  readonly pixels: Float32Array;
}

/** A plate or line of text of the original whose string is known. */
export interface StringTarget {
  readonly class: Extract<ClassName, 'plate' | 'text'>;
  /** Where to read. */
  readonly lines: readonly OrientedRect[];
  /** How each of them looked. */
  readonly crops: readonly RgbImage[];
  /** Normalised. */
  readonly sources: readonly string[];
}

/**
 * The faces of a photograph, the largest first; where none is certain, the likeliest of the doubtful ones.
 * @param found with low scores, too: an adversary knows where the face was
 * @param certain score from which faces count
 */
export async function faceTargets(
  image: RgbImage,
  found: readonly Detection[],
  certain: number,
  recognizer: FaceRecognizer,
): Promise<FaceTarget[]> {
  const area = ({ box }: Detection): number => boxWidth(box) * boxHeight(box);
  const faces = found.filter((d) => d.label === 'face');
  const sure = faces.filter((d) => d.score >= certain).sort((a, b) => area(b) - area(a));
  const doubtful = faces.sort((a, b) => b.score - a.score).slice(0, 1);
  const isLarge = ({ box }: Detection): boolean => Math.min(boxWidth(box), boxHeight(box)) >= LEAST_FACE;
  const counted = sure.length > 0 ? sure.filter((d, i) => i === 0 || isLarge(d)) : doubtful;
  const targets: FaceTarget[] = [];
  for (const { box } of counted) {
    const crop = await faceCrop(image, box);
    targets.push({ box, crop, descriptor: await recognizer.describe(crop), pixels: coarsePixels(crop) });
  }
  return targets;
}

/**
 * Plates and lines of text with a string of three characters or more, recognised or labelled.
 * @param found what a run would redact @returns also how many plates and lines there were
 */
export async function stringTargets(
  image: RgbImage,
  found: readonly Detection[],
  labels: readonly LabelledString[],
  recognizer: TextRecognizer,
): Promise<{ targets: StringTarget[]; looked: Record<'plate' | 'text', number> }> {
  const plates = found.filter((d) => d.label === 'plate');
  const lines = found.filter((d) => d.label === 'text');
  const isOn = (line: Detection, plate: Detection): boolean => containment(line.box, plate.box) >= ON_PLATE;
  const free = lines.filter((line) => !plates.some((plate) => isOn(line, plate)));
  const wanted = [
    ...plates.map((plate) => ({
      class: 'plate' as const,
      parts: [plate, ...lines.filter((line) => isOn(line, plate))],
    })),
    ...free.map((line) => ({ class: 'text' as const, parts: [line] })),
  ];
  const targets: StringTarget[] = [];
  for (const { class: cls, parts } of wanted) {
    const rects = parts.map(({ polygon, box }) => lineRect(polygon, box));
    const read: string[] = [];
    for (const rect of rects) {
      for (const crop of plainCrops(image, rect)) {
        const { text, confidence } = await recognizer.read(crop);
        if (confidence >= LEAST_CONFIDENCE) read.push(text);
      }
    }
    const labelled = labels.filter(({ box }) => parts.some((part) => holdsMiddle(part.box, box)));
    const sources = [...new Set([...read, ...labelled.map((l) => l.text)].map(normalise))].filter(
      (s) => [...s].length >= TELLING,
    );
    if (sources.length === 0) continue;
    targets.push({
      class: cls,
      lines: rects,
      crops: rects.flatMap((rect) => plainCrops(image, rect).slice(0, 1)),
      sources,
    });
  }
  return { targets, looked: { plate: plates.length, text: free.length } };
}

function holdsMiddle(box: Box, of: Box): boolean {
  const [x, y] = [(of.x1 + of.x2) / 2, (of.y1 + of.y2) / 2];
  return x >= box.x1 && x < box.x2 && y >= box.y1 && y < box.y2;
}
