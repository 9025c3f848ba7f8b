/** Key of a sample in every output: ASCII, without dots. */
export function keyOf(index: number): string {
  return String(index).padStart(9, '0');
}

/** Which samples go into which shard, and what shards are called. */
export class ShardPlan {
  readonly total: number;
  readonly count: number;
  readonly #samplesPerShard: number;
  readonly #nameWidth: number;

  constructor({ total, samplesPerShard }: { readonly total: number; readonly samplesPerShard: number }) {
    this.total = total;
    this.count = Math.ceil(total / samplesPerShard);
    this.#samplesPerShard = samplesPerShard;
    this.#nameWidth = Math.max(5, String(Math.max(0, this.count - 1)).length);
  }

  nameOf(shard: number): string {
    return String(shard).padStart(this.#nameWidth, '0');
  }

  /** All names, in order. */
  *names(): Generator<string> {
    for (let shard = 0; shard < this.count; shard++) yield this.nameOf(shard);
  }

  has(name: string): boolean {
    return /^\d+$/.test(name) && Number(name) < this.count && this.nameOf(Number(name)) === name;
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
