/** Whether two photographs show one person; `unknown` pairs are left out. */
export type Relation = 'same' | 'different' | 'unknown';

/**
 * Every comparison of a probe with the gallery, but for a photograph with itself, nearest first. Photographs are
 * numbered alike in gallery and probes.
 */
export interface Trials {
  readonly photographs: number;
  /** Of each comparison, in order of distance. */
  readonly gallery: Uint32Array;
  readonly probe: Uint32Array;
  readonly distance: Float64Array;
}

/** How well one can tell people apart; all null when there is no comparison of one kind. */
export interface Verification {
  /** Share of same and of different pairs told right, their mean, at the best threshold: 0.5 to 1. */
  readonly accuracy: number;
  /** The greatest distance that counts as the same person there. */
  readonly threshold: number;
  /** Probability that a same pair is closer than a different one. */
  readonly auc: number;
  /** Rate at which both kinds of error are equal. */
  readonly eer: number;
  /** Share of probes whose nearest photograph shows the same person, of those that have one; ties share the credit. */
  readonly rank1: number;
}

/** @param distanceOf of photograph `probe` from photograph `gallery` */
export function trialsOf(photographs: number, distanceOf: (gallery: number, probe: number) => number): Trials {
  const all: { gallery: number; probe: number; distance: number }[] = [];
  for (let gallery = 0; gallery < photographs; gallery++) {
    for (let probe = 0; probe < photographs; probe++) {
      if (gallery !== probe) all.push({ gallery, probe, distance: distanceOf(gallery, probe) });
    }
  }
  all.sort((a, b) => a.distance - b.distance);
  return {
    photographs,
    gallery: Uint32Array.from(all, (t) => t.gallery),
    probe: Uint32Array.from(all, (t) => t.probe),
    distance: Float64Array.from(all, (t) => t.distance),
  };
}

export interface Resampling {
  /** How often each photograph is drawn; once each when absent. */
  readonly weights?: ArrayLike<number>;
  /** Which photograph's person each one is taken to show; its own when absent. */
  readonly places?: ArrayLike<number>;
}

/**
 * Walks once over the comparisons from the nearest on, equal distances together.
 * @returns nothing when there is no same pair or no different one
 */
export function verify(
  trials: Trials,
  relation: (a: number, b: number) => Relation,
  { weights, places }: Resampling = {},
): Verification | undefined {
  const { gallery, probe, distance, photographs } = trials;
  const count = distance.length;
  const weight = new Float64Array(count);
  const isSame = new Uint8Array(count);
  const mates = new Float64Array(photographs);
  let [same, different] = [0, 0];
  for (let t = 0; t < count; t++) {
    const [g, p] = [gallery[t] as number, probe[t] as number];
    const kind = relation(places ? (places[g] as number) : g, places ? (places[p] as number) : p);
    if (kind === 'unknown') continue;
    const w = weights ? (weights[g] as number) * (weights[p] as number) : 1;
    weight[t] = w;
    if (kind === 'same') {
      isSame[t] = 1;
      same += w;
      mates[p] = (mates[p] as number) + w;
    } else different += w;
  }
  if (same === 0 || different === 0) return undefined;

  const nearest = new NearestMates(photographs);
  let [hits, alarms, area] = [0, 0, 0];
  let [accuracy, threshold] = [0.5, -Infinity];
  let eer: number | undefined;
  for (let t = 0; t < count; ) {
    let [groupSame, groupDifferent] = [0, 0];
    let end = t;
    for (; end < count && distance[end] === distance[t]; end++) {
      const w = weight[end] as number;
      if (w === 0) continue;
      if (isSame[end]) groupSame += w;
      else groupDifferent += w;
      nearest.see(probe[end] as number, w, isSame[end] === 1);
    }
    nearest.endGroup();
    const before = { miss: 1 - hits / same, alarm: alarms / different };
    area += groupSame * (different - alarms - groupDifferent / 2);
    hits += groupSame;
    alarms += groupDifferent;
    const after = { miss: 1 - hits / same, alarm: alarms / different };
    const right = (1 - after.miss + 1 - after.alarm) / 2;
    if (right > accuracy + 1e-12) [accuracy, threshold] = [right, distance[t] as number];
    if (eer === undefined && after.alarm >= after.miss) eer = crossing(before, after);
    t = end;
  }
  return { accuracy, threshold, auc: area / (same * different), eer: eer ?? 0.5, rank1: nearest.share(mates, weights) };
}

/** Mean of the shares of same and of different pairs told right at a given threshold. */
export function accuracyAt(trials: Trials, relation: (a: number, b: number) => Relation, threshold: number): number {
  const told = { same: [0, 0], different: [0, 0] } as Record<'same' | 'different', [right: number, all: number]>;
  for (let t = 0; t < trials.distance.length; t++) {
    const kind = relation(trials.gallery[t] as number, trials.probe[t] as number);
    if (kind === 'unknown') continue;
    const isNear = (trials.distance[t] as number) <= threshold;
    told[kind][1]++;
    if (isNear === (kind === 'same')) told[kind][0]++;
  }
  return (told.same[0] / told.same[1] + told.different[0] / told.different[1]) / 2;
}

interface Errors {
  readonly miss: number;
  readonly alarm: number;
}

/** Where the line between two points of the curve has as many misses as false alarms. */
function crossing(before: Errors, after: Errors): number {
  const gap = before.miss - before.alarm;
  const closed = gap - (after.miss - after.alarm);
  const share = closed === 0 ? 0 : gap / closed;
  return before.miss + (after.miss - before.miss) * share;
}

/** Who is nearest to each probe. */
class NearestMates {
  readonly #all: Float64Array;
  readonly #same: Float64Array;
  readonly #isDone: Uint8Array;
  #touched: number[] = [];

  constructor(photographs: number) {
    this.#all = new Float64Array(photographs);
    this.#same = new Float64Array(photographs);
    this.#isDone = new Uint8Array(photographs);
  }

  see(probe: number, weight: number, isSame: boolean): void {
    if (this.#isDone[probe]) return;
    this.#all[probe] = (this.#all[probe] as number) + weight;
    if (isSame) this.#same[probe] = (this.#same[probe] as number) + weight;
    this.#touched.push(probe);
  }

  /** What comes next is farther away. */
  endGroup(): void {
    for (const probe of this.#touched) this.#isDone[probe] = 1;
    this.#touched = [];
  }

  share(mates: Float64Array, weights: ArrayLike<number> | undefined): number {
    let [hits, probes] = [0, 0];
    for (let p = 0; p < mates.length; p++) {
      if (mates[p] === 0) continue;
      const weight = weights ? (weights[p] as number) : 1;
      probes += weight;
      hits += (weight * (this.#same[p] as number)) / (this.#all[p] as number);
    }
    return hits / probes;
  }
}
