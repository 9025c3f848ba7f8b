import type { FileHandle } from 'node:fs/promises';
import type { ByteSource } from './tar-archive.ts';

const CHUNK = 1 << 20;

/** The bytes of a file from its beginning to its end, with a look ahead. */
export class FileBytes implements ByteSource {
  readonly #handle: FileHandle;
  readonly #onBytes: ((chunk: Uint8Array) => void) | undefined;
  /** Read and not yet taken. */
  #held: Uint8Array = new Uint8Array();
  /** Where the file is read next. */
  #position = 0;

  /** @param onBytes sees every byte of the file, in order; without it, those that are skipped are not read. */
  constructor(handle: FileHandle, onBytes?: (chunk: Uint8Array) => void) {
    this.#handle = handle;
    this.#onBytes = onBytes;
  }

  /** The next bytes, which stay the next ones; undefined when fewer are left. */
  async peek(length: number): Promise<Uint8Array | undefined> {
    while (this.#held.length < length) if (!(await this.#readMore())) return undefined;
    return this.#held.subarray(0, length);
  }

  /** As many of the next bytes as are at hand; undefined at the end. */
  async take(most: number): Promise<Uint8Array | undefined> {
    if (this.#held.length === 0 && !(await this.#readMore())) return undefined;
    const taken = this.#held.subarray(0, most);
    this.#held = this.#held.subarray(taken.length);
    return taken;
  }

  async read(): Promise<Uint8Array | undefined> {
    return this.take(Infinity);
  }

  /** Passes over bytes, which may be more than there are. */
  async skip(length: number): Promise<void> {
    let left = length - this.#held.length;
    this.#held = this.#held.subarray(Math.min(length, this.#held.length));
    if (left <= 0) return;
    if (this.#onBytes === undefined) {
      this.#position += left;
      return;
    }
    while (left > 0) {
      const taken = await this.take(left);
      if (taken === undefined) return;
      left -= taken.length;
    }
  }

  async #readMore(): Promise<boolean> {
    const rest = this.#held;
    const buffer = Buffer.allocUnsafeSlow(rest.length + CHUNK);
    buffer.set(rest);
    const { bytesRead } = await this.#handle.read(buffer, rest.length, CHUNK, this.#position);
    this.#position += bytesRead;
    this.#held = buffer.subarray(0, rest.length + bytesRead);
    if (bytesRead > 0) this.#onBytes?.(buffer.subarray(rest.length, rest.length + bytesRead));
    return bytesRead > 0;
  }
}
