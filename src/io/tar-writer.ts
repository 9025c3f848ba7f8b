import { createHash } from 'node:crypto';
import { type FileHandle, open, stat } from 'node:fs/promises';
import type { TarHeader } from 'modern-tar';
import { OutputError } from '../errors.ts';
import { asOutputError, sha256 } from './atomic.ts';
import { tarEntries } from './tar-archive.ts';
import { BLOCK, fileHeader, paddedLength } from './tar-header.ts';

/** Small samples come as many pieces of a few hundred bytes, which would each be a call of the system. */
const FLUSH_BYTES = 1 << 18;
/** The end marker of an archive. */
const END = new Uint8Array(2 * BLOCK);

/** Where the bytes of a member are in an archive. */
export interface MemberPlace {
  readonly name: string;
  /** First byte of the body. */
  readonly offset: number;
  readonly size: number;
}

/** Bytes of a member with its header, which is one block for names as ours, and its padding. */
export function memberLength(size: number): number {
  return BLOCK + paddedLength(size);
}

/** What was meant to be written, for the check of what was. */
interface WrittenMember extends MemberPlace {
  readonly sha256: string;
}

/** Headers are alike but for name and size, so that the same samples give the same bytes. */
export function memberHeader(name: string, size: number): TarHeader {
  return { name, size, mode: 0o444, mtime: new Date(0), uid: 0, gid: 0 };
}

/**
 * Writes one shard: USTAR, all headers alike but for name and size (time 0, owner 0, mode 0444), so
 * that the same samples give the same bytes.
 */
export class TarWriter {
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #members: WrittenMember[] = [];
  #length = 0;
  /** What is not yet on its way to the disk. */
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #writing: Promise<void> = Promise.resolve();

  /** Creates `path`, which must not exist. */
  static async create(path: string): Promise<TarWriter> {
    return new TarWriter(path, await open(path, 'wx'));
  }

  private constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  /**
   * @param name printable ASCII, at most 100 characters.
   * @param digest SHA-256 of the bytes, hex, when it is known; `verify` holds the file against it.
   */
  async add(name: string, bytes: Uint8Array, digest = sha256(bytes)): Promise<void> {
    this.#put(fileHeader(name, bytes.length));
    this.#members.push({ name, offset: this.#length, size: bytes.length, sha256: digest });
    this.#put(bytes);
    this.#put(END.subarray(0, paddedLength(bytes.length) - bytes.length));
    if (this.#bytes >= FLUSH_BYTES) await this.#flush();
  }

  #put(bytes: Uint8Array): void {
    this.#chunks.push(bytes);
    this.#bytes += bytes.length;
    this.#length += bytes.length;
  }

  /** Waits for the write before, not for this one. */
  async #flush(): Promise<void> {
    await this.#writing;
    this.#writing = this.#handle.writeFile(Buffer.concat(this.#chunks, this.#bytes));
    // A failure is reported by the call that meets it, not as an unhandled rejection before.
    this.#writing.catch(() => undefined);
    this.#chunks = [];
    this.#bytes = 0;
  }

  /** In order. */
  get members(): readonly MemberPlace[] {
    return this.#members;
  }

  /** Ends the archive and flushes it to the disk. */
  async close(): Promise<void> {
    try {
      this.#put(END);
      await this.#flush();
      await this.#writing;
      await this.#handle.sync();
    } finally {
      await this.#handle.close();
    }
  }

  /** Gives the file up; it stays where it is. */
  async abort(): Promise<void> {
    await this.#writing.catch(() => undefined);
    await this.#handle.close();
  }

  /**
   * Re-opens the closed archive with a strict reader and compares every member with what was added.
   *
   * @returns SHA-256 of the archive, hex.
   * @throws OutputError when anything differs.
   */
  async verify(): Promise<string> {
    try {
      return await this.#compare();
    } catch (error) {
      throw asOutputError(this.#path, error);
    }
  }

  async #compare(): Promise<string> {
    const differs = (what: string): OutputError =>
      new OutputError(`Expected ${this.#path} to hold what was written but ${what}`);
    const archive = createHash('sha256');
    let read = 0;
    let at = 0;
    const entries = tarEntries(this.#path, (chunk) => {
      archive.update(chunk);
      read += chunk.length;
    });
    for await (const { header, body } of entries) {
      const expected = this.#members[at];
      const digest = createHash('sha256');
      let size = 0;
      for await (const chunk of body) {
        digest.update(chunk);
        size += chunk.length;
      }
      if (expected === undefined || header.name !== expected.name) throw differs(`member ${at} is ${header.name}`);
      if (size !== expected.size) throw differs(`${header.name} has ${size} bytes instead of ${expected.size}`);
      if (digest.digest('hex') !== expected.sha256) throw differs(`the bytes of ${header.name} differ`);
      at += 1;
    }
    if (at !== this.#members.length) throw differs(`it has ${at} members instead of ${this.#members.length}`);
    const { size } = await stat(this.#path);
    if (read !== size) throw differs(`only ${read} of ${size} bytes were read`);
    return archive.digest('hex');
  }
}
