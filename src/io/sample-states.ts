import type { RedactionRecord } from '../core/outcome.ts';
import type { ShardPlan } from './shard-plan.ts';

const TO_DO = 0;
const PUBLISHED = 1;
const REJECTED = 2;
/** Of another part of the run. */
const ELSEWHERE = 3;
const WITHDRAWN = 4;

/** What has become of each sample of a run: a byte for each, and a reason where there is one. */
export class SampleStates {
  readonly #codes: Uint8Array;
  readonly #reasons = new Map<number, string>();

  constructor({ total, firstSample, endSample }: ShardPlan) {
    this.#codes = new Uint8Array(total).fill(ELSEWHERE);
    this.#codes.fill(TO_DO, firstSample, endSample);
  }

  set(index: number, record: RedactionRecord): void {
    if (record.status === 'withdrawn') {
      this.withdraw(index);
      return;
    }
    const isPublished = record.status === 'verified';
    this.#codes[index] = isPublished ? PUBLISHED : REJECTED;
    if (isPublished) this.#reasons.delete(index);
    else this.#reasons.set(index, whyRejected(record));
  }

  /** The sample must not be done, whatever has become of it. */
  withdraw(index: number): void {
    this.#codes[index] = WITHDRAWN;
    this.#reasons.delete(index);
  }

  isWithdrawn(index: number): boolean {
    return this.#codes[index] === WITHDRAWN;
  }

  /** The sample is to be tried again. */
  reset(index: number): void {
    this.#codes[index] = TO_DO;
    this.#reasons.delete(index);
  }

  isToDo(index: number): boolean {
    return this.#codes[index] === TO_DO;
  }

  isPublished(index: number): boolean {
    return this.#codes[index] === PUBLISHED;
  }

  /** Of a rejected sample, as `whyRejected` says it. */
  reasonOf(index: number): string | undefined {
    return this.#reasons.get(index);
  }

  /** Samples that were rejected, in no particular order. */
  rejected(): number[] {
    return [...this.#reasons.keys()];
  }

  /** First sample from `from` on that is to be done; `end` when none before it is. */
  nextToDo(from: number, end = this.#codes.length): number {
    const offset = this.#codes.subarray(from, end).indexOf(TO_DO);
    return offset < 0 ? end : from + offset;
  }

  /** Whether any of the samples was published or rejected. */
  isAnyDone(from: number, end: number): boolean {
    return this.#codes.subarray(from, end).some((code) => code === PUBLISHED || code === REJECTED);
  }
}

/** Status, stage and reason in one word, to compare a public record with a private line. */
export function whyRejected({ status, stage, reason }: { status: string; stage: string; reason: string }): string {
  return `${status}/${stage}/${reason}`;
}
