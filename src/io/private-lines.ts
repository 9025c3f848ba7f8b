import { existsSync } from 'node:fs';
import { type FileHandle, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../errors.ts';
import { asOutputError, withFile, writeFileAtomic } from './atomic.ts';
import { placedLines } from './lines.ts';
import { FOLDER_KEY, privatePath } from './private-files.ts';
import { type Seal, sealedError } from './seal.ts';

const BEGIN = '-----BEGIN AGE ENCRYPTED FILE-----';
const END = '-----END AGE ENCRYPTED FILE-----';
const CHUNK = 1 << 20;

/** Where a line of a log is found again. */
export interface LinePlace {
  /** First byte and number of bytes of the line, or of the age file that it is in. */
  readonly offset: number;
  readonly length: number;
  /** Which line of the text of that age file it is. */
  readonly row: number;
}

/**
 * The whole lines of a log of a private directory; the one reader of them all. What was cut off while it was written is
 * left out. Nothing for a log that does not exist.
 *
 * @param name without the ending of encrypted files.
 * @throws UsageError when the directory is encrypted and `seal` is missing, or an age file in it is damaged.
 */
export async function* privateLines(folder: string, name: string, seal: Seal | undefined): AsyncGenerator<string> {
  for await (const { line } of placedPrivateLines(folder, name, seal)) yield line;
}

/** `privateLines` with their places. */
export async function* placedPrivateLines(
  folder: string,
  name: string,
  seal: Seal | undefined,
): AsyncGenerator<{ readonly line: string; readonly place: LinePlace }> {
  assertOpen(folder, seal);
  const path = privatePath(folder, name, seal !== undefined);
  if (seal === undefined) {
    for await (const { offset, line } of placedLines(path)) {
      yield { line, place: { offset, length: Buffer.byteLength(line), row: 0 } };
    }
    return;
  }
  for await (const { offset, armored } of armoredFiles(path)) {
    const lines = await linesIn(armored, seal, path);
    for (const [row, line] of lines.entries()) yield { line, place: { offset, length: armored.length, row } };
  }
}

/** Reads lines again by their places; the age file that was opened last stays open. */
export class LineReader {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #seal: Seal | undefined;
  #last: { readonly offset: number; readonly lines: readonly string[] } | undefined;

  constructor(path: string, file: FileHandle, seal: Seal | undefined) {
    this.#path = path;
    this.#file = file;
    this.#seal = seal;
  }

  /** @throws UsageError for an age file that is damaged. */
  async read({ offset, length, row }: LinePlace): Promise<string> {
    if (this.#last?.offset !== offset) {
      const bytes = Buffer.alloc(length);
      await this.#file.read(bytes, 0, length, offset);
      const text = bytes.toString('utf8');
      this.#last = { offset, lines: this.#seal ? await linesIn(text, this.#seal, this.#path) : [text] };
    }
    return this.#last.lines[row] ?? '';
  }
}

/** @throws UsageError when the directory is encrypted and `seal` is missing. */
export function assertOpen(folder: string, seal: Seal | undefined): void {
  if (seal === undefined && existsSync(join(folder, FOLDER_KEY))) throw sealedError(folder);
}

/**
 * Replaces a log of a private directory by these lines, at once. Where it is encrypted, nothing is on the disk in
 * another form, not even meanwhile.
 *
 * @throws UsageError of the lines; OutputError.
 */
export async function replacePrivateLines(
  folder: string,
  name: string,
  lines: () => AsyncGenerator<string>,
  seal: Seal | undefined,
): Promise<void> {
  const path = privatePath(folder, name, seal !== undefined);
  const temporary = `${path}.tmp`;
  const fill = async (handle: FileHandle): Promise<void> => {
    let text = '';
    const flush = async (): Promise<void> => {
      if (text !== '') await handle.writeFile(seal ? await seal.seal(text) : text);
      text = '';
    };
    for await (const line of lines()) {
      text += `${line}\n`;
      if (text.length >= CHUNK) await flush();
    }
    await flush();
    await handle.sync();
  };
  try {
    await rm(temporary, { force: true });
    await withFile(temporary, 'wx', fill, 0o600);
    await rename(temporary, path);
  } catch (error) {
    throw error instanceof UsageError ? error : asOutputError(path, error);
  }
}

/** A small file of a private directory. @throws OutputError */
export async function writePrivateFile(
  folder: string,
  name: string,
  text: string,
  seal: Seal | undefined,
): Promise<void> {
  const path = privatePath(folder, name, seal !== undefined);
  await writeFileAtomic(path, seal ? await seal.seal(text) : text, 0o600);
}

/** Undefined when there is none. @throws UsageError as `privateLines`. */
export async function readPrivateFile(
  folder: string,
  name: string,
  seal: Seal | undefined,
): Promise<string | undefined> {
  assertOpen(folder, seal);
  const path = privatePath(folder, name, seal !== undefined);
  const text = await readFile(path, 'utf8').catch(() => undefined);
  return text === undefined || seal === undefined ? text : open(text, seal, path);
}

/** The armored age files that follow one another in a file. */
async function* armoredFiles(path: string): AsyncGenerator<{ readonly offset: number; readonly armored: string }> {
  let lines: string[] = [];
  let start = 0;
  for await (const { offset, line } of placedLines(path)) {
    // A beginning without an end was cut off while it was written.
    if (line === BEGIN) {
      lines = [];
      start = offset;
    }
    lines.push(line);
    if (line === END) yield { offset: start, armored: `${lines.join('\n')}\n` };
  }
}

async function linesIn(armored: string, seal: Seal, path: string): Promise<string[]> {
  const lines = (await open(armored, seal, path)).split('\n');
  lines.pop();
  return lines;
}

async function open(armored: string, seal: Seal, path: string): Promise<string> {
  try {
    return await seal.open(armored);
  } catch (cause) {
    throw new UsageError(`Expected ${path} as it was written but a part of it is damaged or of another key`, { cause });
  }
}
