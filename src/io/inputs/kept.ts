import type { SampleLabels } from '../../core/labels.ts';
import { UsageError } from '../../errors.ts';
import { type Fields, FieldTypes, KeepError, readFields, utf8 } from '../json-fields.ts';
import { FIELDS_MEMBER, type Keep, keptMembersOf } from '../keep.ts';
import { readBody, skipBody, type TarEntry } from '../tar-archive.ts';

const MIB = 2 ** 20;
/** Bytes of a member that is text or JSON, and of any other. */
const TEXT_LIMIT = MIB;
const MEMBER_LIMIT = 16 * MIB;

const TEXTS: ReadonlySet<string> = new Set('txt text caption transcript md csv tsv xml srt vtt html'.split(' '));

/** Members of a sample that pass as they are, by extension. */
export type KeptMembers = ReadonlyMap<string, Uint8Array>;

/** What was read of one sample and may pass. */
export class ReadKept {
  readonly members = new Map<string, Uint8Array>();
  fields: Fields = {};
  /** Labelled objects of the image. */
  labels: SampleLabels | undefined;
  /** Why the sample cannot be published. */
  refusal: KeepError | undefined;
  #hasFields = false;

  /** Reads a member to its end. */
  async take(extension: string, entry: TarEntry, keep: Keep): Promise<void> {
    const limit = extension === 'json' || isText(extension) ? TEXT_LIMIT : MEMBER_LIMIT;
    if (entry.header.size > limit) {
      await skipBody(entry);
      const message = `Expected a .${extension} of at most ${limit} bytes but received ${entry.header.size}`;
      this.refusal ??= new KeepError('keep-too-large', message);
      return;
    }
    const bytes = await readBody(entry);
    try {
      if (this.members.has(extension) || (extension === 'json' && this.#hasFields)) {
        throw new KeepError('keep-twice', `Expected one .${extension} in a sample but received several`);
      }
      if (extension === 'json') {
        this.#hasFields = true;
        this.fields = readFields(bytes, keep.fields).fields;
        return;
      }
      if (isText(extension)) utf8(bytes);
      this.members.set(extension, bytes);
    } catch (error) {
      if (!(error instanceof KeepError)) throw error;
      this.refusal ??= error;
    }
  }
}

function isText(extension: string): boolean {
  return TEXTS.has(extension.slice(extension.lastIndexOf('.') + 1));
}

/** Decides what passes of each sample, from what all of them have. */
export class KeepPlan {
  readonly keep: Keep;
  readonly types: FieldTypes;
  /** The member that holds labelled objects; absent when they do not pass. */
  readonly labels: string | undefined;
  readonly #found = new Map<string, number>();
  readonly #fieldNames: readonly string[];

  /** @param labels extension of the member that holds labelled objects, where there is one. */
  constructor(keep: Keep, labels?: string) {
    this.keep = keep;
    this.labels = keep.labels ? labels : undefined;
    this.#fieldNames = [...new Set([...keep.fields, ...(keep.listedKey ? ['key'] : [])])].sort();
    this.types = new FieldTypes(this.#fieldNames);
  }

  /** Extensions of all that passes, sorted. */
  get members(): readonly string[] {
    return keptMembersOf(this.keep, this.labels);
  }

  /** Whether a member of this extension is read. */
  takes(extension: string): boolean {
    return this.keep.members.includes(extension) || (extension === 'json' && this.keep.fields.length > 0);
  }

  noteMember(extension: string): void {
    this.#found.set(extension, (this.#found.get(extension) ?? 0) + 1);
  }

  /** Takes note of the fields of a `.json` member. @returns how many others it has. */
  async noteFields(entry: TarEntry): Promise<number> {
    if (entry.header.size > TEXT_LIMIT) {
      await skipBody(entry);
      return 0;
    }
    try {
      const { fields, others } = readFields(await readBody(entry), this.keep.fields);
      this.types.note(fields);
      return others;
    } catch (error) {
      // Its sample is refused when its turn comes.
      if (error instanceof KeepError) return 0;
      throw error;
    }
  }

  /** @throws UsageError for what is to pass and no sample has: it is misspelt, or the input is another one. */
  assertFound(): void {
    const fields = this.types.absent.map((name) => (name === 'key' && this.keep.listedKey ? name : `json.${name}`));
    const absent = [...this.keep.members.filter((extension) => !this.#found.has(extension)), ...fields];
    if (absent.length === 0) return;
    throw new UsageError(`Expected ${absent.join(', ')} (--keep) in the inputs but no sample has any`);
  }

  /**
   * The members that pass, the same ones for every sample: a caption that is missing is empty, a field null.
   * @throws KeepError for a sample that cannot be published, because something else is missing or not what it should be.
   */
  membersOf({ members, fields }: ReadKept): KeptMembers {
    const kept = new Map<string, Uint8Array>();
    for (const extension of this.keep.members) {
      const bytes = members.get(extension) ?? (extension === 'txt' ? new Uint8Array() : undefined);
      if (bytes === undefined) {
        throw new KeepError('keep-missing', `Expected a .${extension}, as other samples have, but found none`);
      }
      kept.set(extension, bytes);
    }
    if (this.labels !== undefined) kept.set(this.labels, members.get(this.labels) ?? new Uint8Array());
    if (this.#fieldNames.length > 0) kept.set(FIELDS_MEMBER, this.types.write(fields));
    return kept;
  }
}
