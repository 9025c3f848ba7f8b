import type { Outcome, PublishedOutcome, RedactionRecord } from '../core/outcome.ts';
import { OutputError } from '../errors.ts';
import { allSteps, asOutputError } from './atomic.ts';
import type { Ledger, LedgerEntry } from './ledger.ts';
import { rejectedRecord } from './records.ts';
import type { RunLog } from './run-log.ts';
import type { Shard, ShardFactory, ShardRow, SinkSample } from './shard.ts';
import type { Sink, SinkItem, SinkOptions } from './sink.ts';

/** Key of a sample in every output: ASCII, without dots. */
export function keyOf(index: number): string {
  return String(index).padStart(9, '0');
}

/** Cuts the stream of outcomes into shards and takes each through check, log, publication and tables. */
export class ShardedSink implements Sink {
  readonly #options: SinkOptions;
  readonly #out: string;
  readonly #ledger: Ledger;
  readonly #log: RunLog;
  readonly #openShard: ShardFactory;
  readonly #nameWidth: number;
  #state: 'open' | 'broken' | 'closed' = 'open';
  #next = 0;
  #shard: Shard | undefined;
  #rows: ShardRow[] = [];
  #entries: LedgerEntry[] = [];

  constructor(options: SinkOptions, out: string, ledger: Ledger, log: RunLog, openShard: ShardFactory) {
    this.#options = options;
    this.#out = out;
    this.#ledger = ledger;
    this.#log = log;
    this.#openShard = openShard;
    const last = Math.max(0, Math.ceil(options.total / options.samplesPerShard) - 1);
    this.#nameWidth = Math.max(5, String(last).length);
  }

  async write({ sample, outcome }: SinkItem): Promise<void> {
    const { total, samplesPerShard } = this.#options;
    if (this.#state !== 'open' || sample.index !== this.#next || sample.index >= total) {
      throw new RangeError(`Expected sample ${this.#next} of ${total} in an open sink but received ${sample.index}`);
    }
    this.#next += 1;
    await this.#orBreak(async () => {
      this.#shard ??= await this.#openShard(this.#shardName(sample.index));
      await this.#stage(this.#shard, sample, outcome);
      if (this.#next % samplesPerShard === 0) await this.#complete(this.#shard);
    });
  }

  async #stage(shard: Shard, sample: SinkSample, outcome: Outcome): Promise<void> {
    const key = keyOf(sample.index);
    let record: RedactionRecord;
    if (outcome.status === 'verified') {
      this.#checkUniform(key, sample, outcome);
      record = await shard.add(key, sample, outcome);
    } else {
      shard.skip(sample);
      record = rejectedRecord(key, outcome);
    }
    this.#rows.push({ record, ...(sample.cls === undefined ? {} : { cls: sample.cls }) });
    // Without the image: a shard's log is kept in memory, its pixels are not.
    this.#entries.push({ key, origin: sample.origin, outcome: withoutBytes(outcome) });
  }

  /** Every sample of an output has the same members. */
  #checkUniform(key: string, sample: SinkSample, outcome: PublishedOutcome): void {
    const { encode, hasCls } = this.#options;
    if (encode !== 'keep' && outcome.format !== encode) {
      throw new OutputError(`Expected sample ${key} as ${encode} but received ${outcome.format}`);
    }
    if (hasCls !== (sample.cls !== undefined)) {
      throw new OutputError(`Expected sample ${key} ${hasCls ? 'with' : 'without'} a class index like all others`);
    }
  }

  async #complete(shard: Shard): Promise<void> {
    const name = this.#shardName(this.#next - 1);
    await shard.verify();
    await this.#ledger.append(this.#entries);
    const files = [...(await shard.publish())];
    const records = this.#rows.map((row) => row.record);
    files.push(await this.#log.writeRedactions(name, records));
    files.push(...(await shard.seal(this.#rows)));
    await this.#ledger.commit();
    this.#log.commit(files);
    this.#shard = undefined;
    this.#rows = [];
    this.#entries = [];
  }

  async finish(run: Record<string, unknown>): Promise<void> {
    if (this.#state !== 'open' || this.#next !== this.#options.total) {
      throw new RangeError(`Expected ${this.#options.total} samples in an open sink but received ${this.#next}`);
    }
    await this.#orBreak(async () => {
      if (this.#shard !== undefined) await this.#complete(this.#shard);
      await this.#log.finish(run);
      await this.#ledger.close();
    });
    this.#state = 'closed';
  }

  async abort(status: 'interrupted' | 'failed'): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    try {
      await allSteps(
        () => this.#discard(),
        () => this.#ledger.close(),
      );
    } catch (error) {
      throw asOutputError(this.#out, error);
    } finally {
      // On a full disk the state stays `running`, which claims no more than is true.
      await this.#log.setStatus(status).catch(() => undefined);
    }
  }

  /** Runs a step; when it fails, removes the shard at hand and says why. */
  async #orBreak(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (cause) {
      this.#state = 'broken';
      const error = asOutputError(this.#shard?.path ?? this.#out, cause);
      try {
        await this.#discard();
      } catch (remainder) {
        const { message } = remainder as Error;
        throw new OutputError(`${error.message}; its unfinished shard could not be removed: ${message}`, { cause });
      }
      throw error;
    }
  }

  async #discard(): Promise<void> {
    const shard = this.#shard;
    if (shard === undefined) return;
    this.#shard = undefined;
    await allSteps(
      () => shard.discard(),
      () => this.#log.rollback(),
      () => this.#ledger.rollback(),
    );
  }

  #shardName(index: number): string {
    return String(Math.floor(index / this.#options.samplesPerShard)).padStart(this.#nameWidth, '0');
  }
}

function withoutBytes(outcome: Outcome): LedgerEntry['outcome'] {
  if (outcome.status !== 'verified') return outcome;
  return { status: 'verified', detections: outcome.detections };
}
