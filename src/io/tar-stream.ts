import type { SampleRef } from '../core/sample.ts';
import { UsageError } from '../errors.ts';
import { type ByteSource, readBody, skipBody, tarEntriesOf } from './tar-archive.ts';
import { type MemberEntry, membersOf } from './tar-members.ts';
import { readCls } from './tar-source.ts';

/** What messages call it. */
const ARCHIVE = 'standard input';
/** Bytes of all images of one sample together; an image beyond them is refused. */
const SAMPLE_LIMIT = 512 * 2 ** 20;
/** Members of one sample: they are in memory until it ends, since its label may come last. */
const MOST_MEMBERS = 1000;

export interface StreamedImage {
  readonly member: string;
  readonly ref: SampleRef;
  /** Bytes that it holds in memory. */
  readonly size: number;
}

/** Adjacent members of one key. */
export interface StreamedSample {
  /** At least one. */
  readonly images: readonly StreamedImage[];
  /** Class index. */
  readonly cls?: string | undefined;
  readonly clsMembers: number;
}

export interface TarStream {
  /** What is not taken, by extension or kind; grows while samples are read. */
  readonly dropped: Map<string, number>;
  /**
   * The samples that have an image, in order, one in memory at a time.
   *
   * @throws UsageError when the archive is damaged, cut short or hostile; the reason of the signal when it is aborted.
   */
  readonly samples: AsyncGenerator<StreamedSample>;
}

/** A WebDataset shard that can be read only once, and of which nothing is known beforehand. */
export function readTarStream(source: ByteSource, signal?: AbortSignal): TarStream {
  const dropped = new Map<string, number>();
  return { dropped, samples: samplesOf(source, dropped, signal) };
}

async function* samplesOf(
  source: ByteSource,
  dropped: Map<string, number>,
  signal: AbortSignal | undefined,
): AsyncGenerator<StreamedSample> {
  const drop = (label: string): void => void dropped.set(label, (dropped.get(label) ?? 0) + 1);
  let sample = new OpenSample();
  try {
    for await (const entry of membersOf(tarEntriesOf(source, signal), ARCHIVE, true)) {
      if (entry.startsSample) {
        if (sample.images.length > 0) yield sample;
        else if (sample.clsMembers > 0) drop('cls');
        sample = new OpenSample();
      }
      const { member } = entry;
      if (member.kind === 'dropped') drop(member.label);
      await sample.take(entry);
    }
  } catch (error) {
    if (error instanceof UsageError || signal?.aborted) throw error;
    const { message } = error as Error;
    throw new UsageError(`Expected a whole tar archive on ${ARCHIVE} but received: ${message}`, { cause: error });
  }
  if (sample.images.length > 0) yield sample;
  else if (sample.clsMembers > 0) drop('cls');
}

class OpenSample implements StreamedSample {
  readonly images: StreamedImage[] = [];
  cls: string | undefined;
  clsMembers = 0;
  #members = 0;
  #bytes = 0;

  /** Reads the body of the member to its end. @throws UsageError for too many members. */
  async take({ member, entry }: MemberEntry): Promise<void> {
    if (member.key !== undefined) this.#members += 1;
    if (this.#members > MOST_MEMBERS) {
      throw new UsageError(`Expected at most ${MOST_MEMBERS} members in a sample on ${ARCHIVE} but received more`);
    }
    if (member.kind === 'cls') {
      this.clsMembers += 1;
      this.cls = (await readCls(entry))?.toString();
      return;
    }
    if (member.kind === 'dropped') return skipBody(entry);
    const { size } = entry.header;
    if (this.#bytes + size > SAMPLE_LIMIT) {
      await skipBody(entry);
      const message = `Expected images of at most ${SAMPLE_LIMIT} bytes in a sample but received more`;
      this.images.push({ member: member.name, ref: { kind: 'refused', reason: 'too-large', message }, size: 0 });
      return;
    }
    this.#bytes += size;
    this.images.push({ member: member.name, ref: { kind: 'bytes', bytes: await readBody(entry) }, size });
  }
}
