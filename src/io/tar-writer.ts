import { createHash } from 'node:crypto';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { createTarPacker, type TarHeader, type TarPackController } from 'modern-tar';
import { OutputError } from '../errors.ts';
import { asOutputError, sha256 } from './atomic.ts';
import { tarEntries } from './tar-archive.ts';

const FLUSH_BYTES = 1 << 18;
const BLOCK = 512;

/** Where the bytes of a member are in an archive. */
export interface MemberPlace {
  readonly name: string;
  /** First byte of the body. */
  readonly offset: number;
  readonly size: number;
}

/** Bytes of a member with its header, which is one block for names as ours, and its padding. */
export function memberLength(size: number): number {
  return BLOCK + Math.ceil(size / BLOCK) * BLOCK;
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
  readonly #controller: TarPackController;
  readonly #written: Promise<void>;
  readonly #members: WrittenMember[] = [];
  #length = 0;

  /** Creates `path`, which must not exist. */
  static async create(path: string): Promise<TarWriter> {
    return new TarWriter(path, await open(path, 'wx'));
  }

  private constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
    const { readable, controller } = createTarPacker();
    this.#controller = controller;
    this.#written = drain(readable, handle);
    // A failure is reported by the call that meets it, not as an unhandled rejection before.
    this.#written.catch(() => undefined);
  }

  /** @param digest SHA-256 of the bytes, hex, when it is known; `verify` holds the file against it. */
  async add(name: string, bytes: Uint8Array, digest = sha256(bytes)): Promise<void> {
    try {
      const body = this.#controller.add(memberHeader(name, bytes.length)).getWriter();
      await body.write(bytes);
      await body.close();
    } catch (error) {
      await this.#written;
      throw error;
    }
    this.#members.push({ name, offset: this.#length + BLOCK, size: bytes.length, sha256: digest });
    this.#length += memberLength(bytes.length);
  }

  /** In order. */
  get members(): readonly MemberPlace[] {
    return this.#members;
  }

  /** Ends the archive and flushes it to the disk. */
  async close(): Promise<void> {
    try {
      this.#controller.finalize();
      await this.#written;
      await this.#handle.sync();
    } finally {
      await this.#handle.close();
    }
  }

  /** Gives the file up; it stays where it is. */
  async abort(): Promise<void> {
    this.#controller.error(new Error('aborted'));
    await this.#written.catch(() => undefined);
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

/** Small samples come as many chunks of a few hundred bytes, which would each be a call of the system. */
async function drain(readable: ReadableStream<Uint8Array>, handle: FileHandle): Promise<void> {
  let chunks: Uint8Array[] = [];
  let size = 0;
  const flush = async (): Promise<void> => {
    if (size > 0) await handle.writeFile(Buffer.concat(chunks, size));
    chunks = [];
    size = 0;
  };
  for await (const chunk of readable) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= FLUSH_BYTES) await flush();
  }
  await flush();
}
