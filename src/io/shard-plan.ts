/** Key of a sample in every output: ASCII, without dots. */
export function keyOf(index: number): string {
  return String(index).padStart(9, '0');
}

/** One of several processes that do a run together, each a range of its shards. */
export interface Part {
  /** From 0. */
  readonly index: number;
  readonly count: number;
}

export interface ShardPlanOptions {
  /** Samples of the whole run. */
  readonly total: number;
  readonly samplesPerShard: number;
  /** Default: the whole run. */
  readonly part?: Part;
}

/** Which samples go into which shard, what shards are called, and which of them are to be written. */
export class ShardPlan {
  readonly total: number;
  /** Shards of the whole run. */
  readonly count: number;
  /** First shard that is to be written, and the one after the last. */
  readonly first: number;
  readonly end: number;
  readonly #samplesPerShard: number;
  readonly #nameWidth: number;

  constructor({ total, samplesPerShard, part = { index: 0, count: 1 } }: ShardPlanOptions) {
    this.total = total;
    this.count = Math.ceil(total / samplesPerShard);
    this.first = Math.floor((part.index * this.count) / part.count);
    this.end = Math.floor(((part.index + 1) * this.count) / part.count);
    this.#samplesPerShard = samplesPerShard;
    this.#nameWidth = Math.max(5, String(Math.max(0, this.count - 1)).length);
  }

  nameOf(shard: number): string {
    return String(shard).padStart(this.#nameWidth, '0');
  }

  /** Shards that are to be written. */
  get shards(): number {
    return this.end - this.first;
  }

  /** Index of the first sample that is to be written. */
  get firstSample(): number {
    return Math.min(this.total, this.startOf(this.first));
  }

  /** Index after the last sample that is to be written. */
  get endSample(): number {
    return Math.min(this.total, this.startOf(this.end));
  }

  /** Names of the shards that are to be written, in order. */
  *names(): Generator<string> {
    for (let shard = this.first; shard < this.end; shard++) yield this.nameOf(shard);
  }

  /** Whether a shard of this name is to be written. */
  has(name: string): boolean {
    const shard = Number(name);
    return /^\d+$/.test(name) && shard >= this.first && shard < this.end && this.nameOf(shard) === name;
  }

  shardOf(index: number): number {
    return Math.floor(index / this.#samplesPerShard);
  }

  /** Index of the first sample of a shard. */
  startOf(shard: number): number {
    return shard * this.#samplesPerShard;
  }

  /** Index after the last sample of a shard. */
  endOf(shard: number): number {
    return Math.min(this.total, (shard + 1) * this.#samplesPerShard);
  }
}
