import { packTar, unpackTar } from 'modern-tar';
import { OutputError } from '../errors.ts';
import { asOutputError, sha256 } from './atomic.ts';
import { memberHeader } from './tar-writer.ts';
import type { SampleMember } from './webdataset-sink.ts';

/** Two blocks of zeros, which `packTar` ends with. */
const END = 1024;
/** A member that never comes; WebDataset passes over names of this form. */
const CUT = '__incomplete__';

/**
 * A WebDataset shard as a stream of bytes, the same as in a file. Samples leave whole, one write for each, and are
 * read again before.
 */
export class TarOutput {
  readonly #write: (bytes: Uint8Array) => Promise<void>;
  #begun = false;
  #broken = false;

  /** @param write resolves when more is wanted. */
  constructor(write: (bytes: Uint8Array) => Promise<void>) {
    this.#write = write;
  }

  /** @throws OutputError when what was packed is not what was meant, with nothing written; what `write` throws. */
  async add(members: readonly SampleMember[]): Promise<void> {
    const packed = await packTar(members.map(({ name, body }) => ({ header: memberHeader(name, body.length), body })));
    const read = await unpackTar(packed, { strict: true });
    const isAsMeant = members.every(({ name, body, digest = sha256(body) }, i) => {
      const { header, data } = read[i] ?? {};
      return header?.name === name && data !== undefined && sha256(data) === digest;
    });
    if (!isAsMeant || read.length !== members.length) {
      throw new OutputError(`Expected a sample in the output to be what was verified but ${members[0]?.name} differs`);
    }
    this.#begun = true;
    await this.#put(packed.subarray(0, -END));
  }

  /** Ends the archive: it is whole. */
  async end(): Promise<void> {
    await this.#put(new Uint8Array(END));
  }

  /**
   * Ends the output so that no reader takes it for a whole archive, which most would without an end mark: with the
   * header of a member that never comes. Nothing, which is no archive either, when no sample was added; and nothing
   * after a write that failed.
   *
   * @returns whether there is such an end.
   */
  async cut(): Promise<boolean> {
    if (!this.#begun || this.#broken) return false;
    const packed = await packTar([{ header: memberHeader(CUT, 1), body: new Uint8Array(1) }]);
    await this.#put(packed.subarray(0, 512)).catch(() => undefined);
    return !this.#broken;
  }

  async #put(bytes: Uint8Array): Promise<void> {
    try {
      await this.#write(bytes);
    } catch (error) {
      this.#broken = true;
      throw asOutputError('standard output', error);
    }
  }
}
