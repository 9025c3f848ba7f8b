import { chmod } from 'node:fs/promises';
import { UsageError } from '../errors.ts';
import { makeFolder, syncFolder } from './atomic.ts';
import { indexOf } from './ledger-files.ts';
import { LEDGER, privatePath } from './private-files.ts';
import { privateLines, replacePrivateLines } from './private-lines.ts';
import type { Seal } from './seal.ts';

/**
 * Puts the logs of the parts of a run together, each in the order of its samples. Interrupted at any moment, each file
 * is what it was before or whole.
 *
 * @param parts private folders of the parts, in order.
 * @param seal of all of them, and of the folder. @param names of the logs, default all.
 * @throws UsageError for lines that are out of order; OutputError.
 */
export async function mergeLedgers(
  folder: string,
  parts: readonly string[],
  seal: Seal | undefined,
  names: readonly string[] = Object.values(LEDGER),
): Promise<void> {
  await makeFolder(folder, 0o700);
  await chmod(folder, 0o700);
  for (const name of names) {
    const lines = async function* (): AsyncGenerator<string> {
      let last = -1;
      for (const part of parts) {
        const path = privatePath(part, name, seal !== undefined);
        for await (const line of privateLines(part, name, seal)) {
          const index = indexOf(line, path);
          if (index <= last) throw new UsageError(`Expected samples in order in ${path} but ${index} comes late`);
          last = index;
          yield line;
        }
      }
    };
    await replacePrivateLines(folder, name, lines, seal);
  }
  await syncFolder(folder);
}
