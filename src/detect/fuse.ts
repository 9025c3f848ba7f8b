import { boundingBox, clockwise, convexHull, minAreaRect, polygonArea, rectCorners, unite } from '../core/geometry.ts';
import type { Detection } from '../core/types.ts';
import { byScore, SAME_OBJECT } from './nms.ts';
import { outlineOf, overlap, shareInside } from './outline.ts';

/** Share of the best score from which another sighting of an object widens its box. */
const WIDENS = 0.5;
/** A text of which this share lies inside another adds nothing. */
const INSIDE = 0.9;
/** A cut-off part of which this share lies inside something found is a part of it. */
const PART = 0.7;

/** What the looks of one network saw. */
export interface Sightings {
  readonly whole: readonly Detection[];
  /** Cut by a border between tiles. */
  readonly cut: readonly Detection[];
}

/**
 * Sightings of several looks → one detection per object, with the best score and a box around all sightings
 * of at least half that score: what counts is that nothing of the object stays outside. Two sightings are of one
 * object when the IoU of their outlines exceeds that of their label in `same`, so a small box inside a large one
 * stays. All looks must be fused at once, since boxes that have been widened no longer say which sighting they come
 * from.
 */
export function fuse({ whole, cut }: Sightings, same = SAME_OBJECT): Detection[] {
  const objects: { readonly best: Detection; widened: Detection }[] = [];
  for (const seen of [...whole].sort(byScore)) {
    const known = objects.find((o) => o.best.label === seen.label && overlap(o.best, seen) > same[seen.label]);
    if (!known) objects.push({ best: seen, widened: seen });
    else if (seen.score >= known.best.score * WIDENS) known.widened = widen(known.widened, seen);
  }
  for (const part of [...cut].sort(byScore)) {
    const known = objects.find(
      (o) =>
        o.best.label === part.label && o.widened.score >= part.score * WIDENS && shareInside(part, o.widened) >= PART,
    );
    if (!known) objects.push({ best: part, widened: part });
    else if (part.score >= known.best.score * WIDENS) {
      // Whatever covers a part must be as certain as the part: it is redacted wherever the part would be.
      known.widened = { ...widen(known.widened, part), score: Math.max(known.widened.score, part.score) };
    }
  }
  return withoutInnerText(objects.map((o) => o.widened)).sort(byScore);
}

/** Sightings in an image and in its mirror image: the mean score, 0 where one of the two saw nothing. */
export function average(found: readonly Detection[], mirrored: readonly Detection[], same = SAME_OBJECT): Detection[] {
  const unmatched = new Set(mirrored);
  const result = found.map((d) => {
    let twin: Detection | undefined;
    let most = same[d.label];
    for (const m of unmatched) {
      const shared = m.label === d.label ? overlap(m, d) : 0;
      if (shared <= most) continue;
      most = shared;
      twin = m;
    }
    if (!twin) return { ...d, score: d.score / 2 };
    unmatched.delete(twin);
    return { ...widen(d, twin), score: (d.score + twin.score) / 2 };
  });
  return [...result, ...[...unmatched].map((m) => ({ ...m, score: m.score / 2 }))].sort(byScore);
}

function widen(a: Detection, b: Detection): Detection {
  if (!a.polygon && !b.polygon) return { ...a, box: unite(a.box, b.box) };
  const polygon = clockwise(rectCorners(minAreaRect(convexHull([...outlineOf(a), ...outlineOf(b)]))));
  return { ...a, polygon, box: boundingBox(polygon) };
}

/** Words inside a line that is at least as certain would only be listed twice. */
function withoutInnerText(found: readonly Detection[]): Detection[] {
  const texts = found.filter((d) => d.label === 'text');
  const isListed = (inner: Detection): boolean =>
    texts.some(
      (outer) =>
        outer !== inner &&
        outer.score >= inner.score &&
        polygonArea(outlineOf(outer)) > polygonArea(outlineOf(inner)) &&
        shareInside(inner, outer) >= INSIDE,
    );
  return found.filter((d) => d.label !== 'text' || !isListed(d));
}
