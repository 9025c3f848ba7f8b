import path from 'node:path';
import type { Config } from '../config.ts';
import type { Outcome, RejectedOutcome } from '../core/outcome.ts';
import { extensionFor } from '../io/extensions.ts';
import { type Ledger, ledgerEntry } from '../io/ledger.ts';
import { rejectedRecord, verifiedRecord } from '../io/records.ts';
import type { SinkSample } from '../io/shard.ts';
import { keyOf } from '../io/shard-plan.ts';
import type { TarOutput } from '../io/tar-output.ts';
import type { StreamedSample } from '../io/tar-stream.ts';
import { sampleMembers } from '../io/webdataset-sink.ts';
import type { RunProgress } from '../run.ts';
import type { WorkerPool } from '../worker/pool.ts';
import { Groups } from './pseudonyms.ts';
import type { Tally } from './tally.ts';

/** Images in work together hold at most as many bytes, unless one alone has more. */
const BYTES_IN_FLIGHT = 256 * 2 ** 20;

const UNLABELLED: RejectedOutcome = {
  status: 'quarantined',
  stage: 'read',
  reason: 'no-label',
  message: 'Expected a class index as the first sample has one but found none',
};

interface FilterWork {
  readonly config: Config;
  readonly pool: Pick<WorkerPool, 'capacity' | 'process' | 'close'>;
  readonly archive: TarOutput;
  readonly tally: Tally;
  /** Counts what was taken from the input. */
  readonly seen: { total: number; readonly dropped: Map<string, number> };
  /** The first sample has a class index, so every one must. */
  readonly hasCls: boolean;
  /** Aborted with the reason when an image cannot be written: reading is of no use any more. */
  readonly failure: AbortController;
  readonly onProgress: ((progress: RunProgress) => void) | undefined;
}

/** Takes samples from a stream through the workers to the output, in their order and a bounded number at a time. */
export class FilterPump {
  /** The private log, if there is to be one. */
  ledger: Ledger | undefined;
  readonly #work: FilterWork;
  readonly #groups: Groups;
  readonly #inFlight: { readonly size: number; readonly written: Promise<void> }[] = [];
  #bytes = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(work: FilterWork) {
    this.#work = work;
    this.#groups = new Groups(work.config.pseudonyms);
  }

  /** Waits for room. @throws what made an earlier image fail to be written. */
  async take(sample: StreamedSample): Promise<void> {
    const { pool, seen, hasCls } = this.#work;
    if (!hasCls && sample.clsMembers > 0) {
      seen.dropped.set('cls', (seen.dropped.get('cls') ?? 0) + sample.clsMembers);
    }
    for (const { member, ref, size } of sample.images) {
      await this.#room(size);
      const index = seen.total++;
      const group = this.#groups.numberOf(path.posix.dirname(member));
      const isWanted = !hasCls || sample.cls !== undefined;
      const outcome = isWanted ? pool.process(ref, group) : Promise.resolve(UNLABELLED);
      this.#add({ member, index, cls: hasCls ? sample.cls : undefined }, outcome, size);
    }
  }

  /** Waits until all that was taken is written. @throws as `take`. */
  async drain(): Promise<void> {
    await this.#last;
  }

  /** Waits for what is in work, which may have failed, and ends the workers. */
  async close(): Promise<void> {
    await this.#last.catch(() => undefined);
    await this.#work.pool.close();
    await this.ledger?.close();
  }

  async #room(size: number): Promise<void> {
    // As in a run: twice the pool's capacity, so that one slow image does not starve the workers.
    const most = this.#work.pool.capacity * 2;
    while (this.#inFlight.length > 0 && (this.#inFlight.length >= most || this.#bytes + size > BYTES_IN_FLIGHT)) {
      const [oldest] = this.#inFlight;
      await oldest?.written;
      this.#inFlight.shift();
      this.#bytes -= oldest?.size ?? 0;
    }
  }

  #add(image: { member: string; index: number; cls: string | undefined }, outcome: Promise<Outcome>, size: number) {
    // Awaited in order later on; until then a rejection must not count as unhandled.
    outcome.catch(() => {});
    const written = this.#last.then(async () => {
      await this.#write(image, await outcome);
    });
    written.catch((error: unknown) => this.#work.failure.abort(error));
    this.#last = written;
    this.#inFlight.push({ size, written });
    this.#bytes += size;
  }

  async #write(
    { member, index, cls }: { member: string; index: number; cls: string | undefined },
    outcome: Outcome,
  ): Promise<void> {
    const { archive, tally, onProgress } = this.#work;
    const key = keyOf(index);
    const origin = { path: '-', member };
    const sample: SinkSample = { index, origin, relativePath: member, ...(cls === undefined ? {} : { cls }) };
    // The private log first: nothing is handed out before it is known where it came from.
    await this.ledger?.append([ledgerEntry(key, sample, outcome)]);
    if (outcome.status === 'verified') {
      const record = verifiedRecord(key, undefined, outcome.record);
      await archive.add(sampleMembers(record, extensionFor(outcome.format), outcome.bytes, cls));
      tally.add(outcome, record);
    } else {
      tally.add(outcome, rejectedRecord(key, outcome));
    }
    await this.ledger?.commit();
    onProgress?.(tally.progress());
  }
}
