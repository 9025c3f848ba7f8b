import { resolve, sep } from 'node:path';
import { UsageError } from '../errors.ts';
import { readPrivateWithdrawn } from './private-withdrawn.ts';
import type { Seal } from './seal.ts';
import { keyOf } from './shard-plan.ts';
import { readSources, type SourceEntry } from './source-entries.ts';

/** What a person calls a sample: a key, also that of a list, a path or its end, a file name, a member of an archive. */
export interface Asked {
  readonly text: string;
  /** How messages name it, without repeating it: `--source 2`, `line 7 of withdraw.txt`. */
  readonly where: string;
}

/** Indices of the samples that are meant, each once and in order, and those that were withdrawn before. */
export interface FoundSamples {
  readonly samples: readonly number[];
  readonly before: readonly number[];
}

const SHOWN = 20;

/** Slashes between segments, composed characters (macOS decomposes them), no `./` and `../` before a path. */
function plain(text: string): string {
  const path = /^\.\.?(\/|\\|$)/.test(text) ? resolve(text) : text;
  return (sep === '\\' ? path.replaceAll('\\', '/') : path).normalize('NFC');
}

/** The path and all its ends on the border of a segment: `/a/b.jpg` → `/a/b.jpg`, `a/b.jpg`, `b.jpg`. */
function* endsOf(path: string): Generator<string> {
  yield path;
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) yield path.slice(at + 1);
}

function* namesOf({ index, origin, name, listedKey }: SourceEntry): Generator<string> {
  yield keyOf(index);
  const path = plain(origin.path);
  yield* endsOf(path);
  if (origin.member !== undefined) yield* endsOf(`${path}/${origin.member.normalize('NFC')}`);
  if (name !== undefined) yield* endsOf(name.normalize('NFC'));
  // One that looks like a key of the output would make that ambiguous.
  if (listedKey !== undefined && !/^\d{9,15}$/.test(listedKey)) yield listedKey;
}

/**
 * Finds samples by what the private folder knows of where they came from.
 *
 * @param all whether an asked text may mean several samples.
 * @param seal of a private folder that is encrypted.
 * @throws UsageError for a text that means none, or several without `all`: they are listed by key.
 */
export async function findSamples(
  privateDir: string,
  asked: readonly Asked[],
  all: boolean,
  seal?: Seal,
): Promise<FoundSamples> {
  const hits = new Map<string, Set<number>>();
  for (const { text } of asked) hits.set(plain(text), new Set());
  for await (const entry of readSources(privateDir, seal)) {
    for (const name of namesOf(entry)) hits.get(name)?.add(entry.index);
  }
  const withdrawn = await readPrivateWithdrawn(privateDir, seal);
  const samples = new Set<number>();
  const before = new Set<number>();
  const missing: string[] = [];
  for (const { text, where } of asked) {
    const found = [...(hits.get(plain(text)) ?? [])].sort((a, b) => a - b);
    const [first] = found;
    if (first === undefined) {
      if (/^\d{9,15}$/.test(text) && withdrawn.has(Number(text))) before.add(Number(text));
      else missing.push(where);
      continue;
    }
    if (found.length > 1 && !all) {
      const keys = found.slice(0, SHOWN).map(keyOf).join(', ');
      const more = found.length > SHOWN ? ` and ${found.length - SHOWN} more` : '';
      throw new UsageError(
        `Expected one sample for ${where} but ${found.length} are called so (${keys}${more}): name them by key, or take all with --all; nothing was changed`,
      );
    }
    for (const index of found) samples.add(index);
  }
  if (missing.length > 0) {
    const shown =
      missing.slice(0, SHOWN).join(', ') + (missing.length > SHOWN ? ` and ${missing.length - SHOWN} more` : '');
    const perhaps =
      withdrawn.size > 0 ? `; names of the ${withdrawn.size} withdrawn before are not known any more` : '';
    throw new UsageError(
      `Expected samples of the run in ${privateDir} but found none for ${shown}${perhaps}; nothing was changed`,
    );
  }
  return { samples: [...samples].sort((a, b) => a - b), before: [...before].sort((a, b) => a - b) };
}
