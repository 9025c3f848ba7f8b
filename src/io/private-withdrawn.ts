import { existsSync } from 'node:fs';
import { syncFolder } from './atomic.ts';
import { indexOf } from './ledger-files.ts';
import { LEDGER, PRIVATE_WITHDRAWN, privatePath } from './private-files.ts';
import { privateLines, replacePrivateLines } from './private-lines.ts';
import type { Seal } from './seal.ts';
import { keyOf } from './shard-plan.ts';

/** Samples that were withdrawn, by a private directory. @throws UsageError for other lines. */
export async function readPrivateWithdrawn(folder: string, seal: Seal | undefined): Promise<Set<number>> {
  const path = privatePath(folder, PRIVATE_WITHDRAWN, seal !== undefined);
  const found = new Set<number>();
  for await (const line of privateLines(folder, PRIVATE_WITHDRAWN, seal)) found.add(indexOf(line, path));
  return found;
}

/**
 * Removes all that a private directory knows of some samples, but for their keys. Interrupted at any moment, each file
 * is what it was before or without them.
 *
 * @throws UsageError for lines of another form; OutputError.
 */
export async function removeSamples(
  folder: string,
  samples: ReadonlySet<number>,
  seal: Seal | undefined,
): Promise<void> {
  const all = new Set([...(await readPrivateWithdrawn(folder, seal)), ...samples]);
  const keys = async function* (): AsyncGenerator<string> {
    for (const index of [...all].sort((a, b) => a - b)) yield JSON.stringify({ key: keyOf(index) });
  };
  await replacePrivateLines(folder, PRIVATE_WITHDRAWN, keys, seal);
  for (const name of Object.values(LEDGER)) {
    const path = privatePath(folder, name, seal !== undefined);
    if (!existsSync(path)) continue;
    const remaining = async function* (): AsyncGenerator<string> {
      for await (const line of privateLines(folder, name, seal)) if (!samples.has(indexOf(line, path))) yield line;
    };
    await replacePrivateLines(folder, name, remaining, seal);
  }
  await syncFolder(folder);
}
