import type { Outcome, PublishedOutcome, RedactionRecord } from '../core/outcome.ts';
import { OutputError } from '../errors.ts';
import { allSteps, asOutputError } from './atomic.ts';
import { type Ledger, type LedgerEntry, ledgerEntry } from './ledger.ts';
import type { OutputLock } from './lock.ts';
import { rejectedRecord, withdrawnRecord } from './records.ts';
import type { RunLog } from './run-log.ts';
import { NUMBERED, type SampleKeys } from './sample-keys.ts';
import type { SampleStates } from './sample-states.ts';
import { rowOf, type Shard, type ShardFormat, type ShardRow, type SinkSample } from './shard.ts';
import { readShardLog } from './shard-log.ts';
import type { ShardPlan } from './shard-plan.ts';
import type { Sink, SinkItem, SinkOptions } from './sink.ts';

/** What a sink writes to, and what is done already. */
export interface ShardedOutput {
  readonly out: string;
  readonly plan: ShardPlan;
  readonly format: ShardFormat;
  readonly lock: OutputLock;
  readonly ledger: Ledger;
  readonly log: RunLog;
  /** Names of the shards that an earlier run has left whole. */
  readonly whole: { has(name: string): boolean };
  /** Samples that are done are passed over, or taken over where another one of their shard is not. */
  readonly states: SampleStates;
}

/** Cuts the stream of outcomes into shards and takes each through check, log, publication and tables. */
export class ShardedSink implements Sink {
  readonly notices: readonly string[];
  readonly #options: SinkOptions;
  readonly #output: ShardedOutput;
  readonly #keys: SampleKeys;
  #state: 'open' | 'broken' | 'closed' = 'open';
  /** First sample that was not looked at yet. */
  #next: number;
  #shard: Shard | undefined;
  /** Records of an earlier run for the shard at hand, by key. */
  #earlier: ReadonlyMap<string, RedactionRecord> = new Map();
  #rows: ShardRow[] = [];
  #entries: LedgerEntry[] = [];

  constructor(options: SinkOptions, output: ShardedOutput, notices: readonly string[]) {
    this.#next = output.plan.firstSample;
    this.#options = options;
    this.#keys = options.keys ?? NUMBERED;
    this.#output = output;
    this.notices = notices;
  }

  wants(index: number): boolean {
    return this.#output.states.isToDo(index);
  }

  async write({ sample, outcome }: SinkItem): Promise<RedactionRecord> {
    const { total } = this.#options;
    const { states } = this.#output;
    const expected = states.nextToDo(this.#next);
    if (this.#state !== 'open' || sample.index !== expected || sample.index >= total) {
      throw new RangeError(`Expected sample ${expected} of ${total} in an open sink but received ${sample.index}`);
    }
    return this.#orBreak(async () => {
      await this.#passOver(sample.index);
      const shard = await this.#openShard(sample.index);
      const record = await this.#stage(shard, sample, outcome);
      states.set(sample.index, record);
      await this.#step();
      return record;
    });
  }

  /** Goes on to the sample at `end`; all before it are done. */
  async #passOver(end: number): Promise<void> {
    const { plan, states, format, whole } = this.#output;
    while (this.#next < end) {
      const shard = plan.shardOf(this.#next);
      const shardEnd = plan.endOf(shard);
      // A shard of which nothing is to be done may not be whole: when all that was in it was withdrawn.
      const isToWrite = states.nextToDo(this.#next, shardEnd) < shardEnd || !whole.has(plan.nameOf(shard));
      if (this.#shard !== undefined || isToWrite) {
        await this.#takeOver(await this.#openShard(this.#next), this.#options.at(this.#next));
        await this.#step();
        continue;
      }
      for (; this.#next < shardEnd; this.#next++) {
        if (!states.isPublished(this.#next)) format.passOver(this.#options.at(this.#next));
      }
    }
  }

  async #step(): Promise<void> {
    const { plan } = this.#output;
    const shard = plan.shardOf(this.#next);
    this.#next += 1;
    if (this.#shard !== undefined && this.#next === plan.endOf(shard)) await this.#complete(this.#shard, shard);
  }

  async #openShard(index: number): Promise<Shard> {
    if (this.#shard !== undefined) return this.#shard;
    const { out, plan, states, format } = this.#output;
    const shard = plan.shardOf(index);
    const name = plan.nameOf(shard);
    this.#earlier = new Map();
    if (states.isAnyDone(plan.startOf(shard), plan.endOf(shard))) {
      this.#earlier = new Map((await readShardLog(out, name)).map((record) => [record.key, record]));
    }
    this.#shard = await format.open(name);
    return this.#shard;
  }

  /** Takes a sample over from the shard that an earlier run has published. */
  async #takeOver(shard: Shard, sample: SinkSample): Promise<void> {
    const key = this.#keys.keyOf(sample.index);
    const isWithdrawn = this.#output.states.isWithdrawn(sample.index);
    const record = isWithdrawn ? withdrawnRecord(key) : this.#earlier.get(key);
    if (record === undefined) throw new OutputError(`Expected ${key} in the log of its shard`);
    if (record.status === 'verified') await shard.keep(sample, record);
    else shard.skip(sample);
    this.#rows.push(rowOf(record, sample));
  }

  async #stage(shard: Shard, sample: SinkSample, outcome: Outcome): Promise<RedactionRecord> {
    const key = this.#keys.keyOf(sample.index);
    let record: RedactionRecord;
    if (outcome.status === 'verified') {
      this.#checkUniform(key, sample, outcome);
      record = await shard.add(key, sample, outcome);
    } else {
      shard.skip(sample);
      record = rejectedRecord(key, outcome);
    }
    this.#rows.push(rowOf(record, sample));
    this.#entries.push(ledgerEntry(key, sample, outcome));
    return record;
  }

  /** Every sample of an output has the same members. */
  #checkUniform(key: string, sample: SinkSample, outcome: PublishedOutcome): void {
    const { encode, hasCls, keptMembers = [] } = this.#options;
    if (encode !== 'keep' && outcome.format !== encode) {
      throw new OutputError(`Expected sample ${key} as ${encode} but received ${outcome.format}`);
    }
    if (hasCls !== (sample.cls !== undefined)) {
      throw new OutputError(`Expected sample ${key} ${hasCls ? 'with' : 'without'} a class index like all others`);
    }
    const kept = [...(sample.kept?.keys() ?? [])].sort().join(' ');
    if (kept !== keptMembers.join(' ')) {
      throw new OutputError(`Expected sample ${key} with the members ${keptMembers.join(' ')} but received ${kept}`);
    }
  }

  /** Nothing has its final name before it was read again, and before the private log knows where it came from. */
  async #complete(shard: Shard, number: number): Promise<void> {
    const { plan, lock, ledger, log } = this.#output;
    await shard.verify();
    await lock.assertHeld();
    await ledger.append(this.#entries);
    await log.stage(
      plan.nameOf(number),
      this.#rows.map((row) => row.record),
    );
    const files = [...(await shard.publish())];
    files.push(await log.publish());
    files.push(...(await shard.seal(this.#rows)));
    await ledger.commit();
    log.commit(files);
    this.#shard = undefined;
    this.#rows = [];
    this.#entries = [];
  }

  async finish(run: Record<string, unknown>): Promise<void> {
    const { total, part, at } = this.#options;
    const { plan, ledger, lock, log, states, format } = this.#output;
    const done = states.nextToDo(this.#next);
    if (this.#state !== 'open' || done !== total) {
      throw new RangeError(`Expected ${total} samples in an open sink but received ${done}`);
    }
    await this.#orBreak(async () => {
      await this.#passOver(plan.endSample);
      await lock.assertHeld();
      // What tells of all shards comes with the whole run.
      if (part === undefined) log.commit(await format.close(plan.names(), at));
      await ledger.finish(states);
      await (part === undefined ? log.finish(run) : log.finishPart(run));
      this.#state = 'closed';
      await lock.release();
    });
  }

  async abort(status: 'interrupted' | 'failed'): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    const { out, ledger, lock, log } = this.#output;
    try {
      await allSteps(
        () => this.#discard(),
        () => ledger.close(),
      );
    } catch (error) {
      throw asOutputError(out, error);
    } finally {
      // On a full disk the state stays `running`, which claims no more than is true.
      if (!lock.lost) await log.setStatus(status).catch(() => undefined);
      await lock.release().catch(() => undefined);
    }
  }

  /** Runs a step; when it fails, removes the shard at hand and says why. */
  async #orBreak<T>(step: () => Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (cause) {
      this.#state = 'broken';
      const error = asOutputError(this.#shard?.path ?? this.#output.out, cause);
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
    const { ledger, lock, log } = this.#output;
    // Another run may be at work on a shard of the same name by now.
    if (shard === undefined || lock.lost) return;
    this.#shard = undefined;
    await allSteps(
      () => shard.discard(),
      () => log.rollback(),
      () => ledger.rollback(),
    );
  }
}
