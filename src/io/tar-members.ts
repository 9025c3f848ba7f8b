import { UsageError } from '../errors.ts';
import { extensionLabel, looksLikeImage } from './extensions.ts';
import { skipBody, type TarEntry, tarEntries } from './tar-archive.ts';

/** WebDataset's rule: the key of a member is its path up to the first dot of its base name. */
const KEY_RULE = /^((?:.*\/|)[^.]+)[.]([^/]*)$/s;

/** Key and extension of a member of a shard that this program wrote. */
export function memberName(name: string): { readonly key: string; readonly extension: string } {
  const dot = name.indexOf('.');
  return dot < 0 ? { key: name, extension: '' } : { key: name.slice(0, dot), extension: name.slice(dot + 1) };
}

/** What a member of a shard is to us. `key` is absent where WebDataset does not see the member either. */
export type Member =
  | { readonly kind: 'image' | 'cls'; readonly name: string; readonly key: string }
  | {
      readonly kind: 'dropped';
      readonly name: string;
      readonly key?: string;
      /** Lower case: all that follows the key. */
      readonly extension?: string;
      readonly label: string;
    };

export interface MemberEntry {
  readonly member: Member;
  readonly entry: TarEntry;
  /** True for the first member of a sample: the key differs from the one before. */
  readonly startsSample: boolean;
}

/**
 * POSIX name without `.` segments. `where` stands for the name in messages, which must not repeat it: they are printed.
 * Throws UsageError for a name that could lead out of a folder.
 */
function safeName(name: string, where: string): string {
  const refuse = (what: string): never => {
    throw new UsageError(`Expected only relative member names but received ${what} in the name of ${where}`);
  };
  if (name.startsWith('/') || /^[A-Za-z]:\//.test(name)) refuse('an absolute path');
  if (name.includes('\\')) refuse('a backslash');
  if (name.includes('\0')) refuse('a NUL character');
  const segments = name.split('/').filter((segment) => segment !== '' && segment !== '.');
  if (segments.includes('..')) refuse('".."');
  return segments.join('/');
}

function classify(header: TarEntry['header'], name: string): Member {
  if (header.type !== 'file') return { kind: 'dropped', name, label: header.type ?? 'special file' };
  if (/(^|\/)\./.test(name)) return { kind: 'dropped', name, label: 'hidden' };
  const [, key, extension] = KEY_RULE.exec(name) ?? [];
  if (key === undefined) return { kind: 'dropped', name, label: extensionLabel(name) };
  if (extension?.toLowerCase() === 'cls') return { kind: 'cls', name, key };
  if (looksLikeImage(name)) return { kind: 'image', name, key };
  return { kind: 'dropped', name, key, extension: (extension as string).toLowerCase(), label: extensionLabel(name) };
}

/**
 * The members of a WebDataset shard but for folders, in order. Each entry's body must be read to
 * its end before the next one comes.
 *
 * @throws UsageError for unsafe and for duplicate names; Error when the archive is damaged.
 */
export function tarMembers(path: string): AsyncGenerator<MemberEntry> {
  return membersOf(tarEntries(path), path);
}

/**
 * `tarMembers` of entries from anywhere.
 *
 * @param archive what messages call it.
 * @param isEndless names are held against those of the same sample only: all of them would fill the memory.
 */
export async function* membersOf(
  entries: AsyncIterable<TarEntry>,
  archive: string,
  isEndless = false,
): AsyncGenerator<MemberEntry> {
  const names = new Set<string>();
  let key: string | undefined;
  let position = 0;
  for await (const entry of entries) {
    const where = `member ${++position} of ${archive}`;
    const name = safeName(entry.header.name, where);
    if (entry.header.type === 'directory') {
      await skipBody(entry);
      continue;
    }
    const member = classify(entry.header, name);
    const startsSample = member.key !== undefined && member.key !== key;
    if (startsSample) key = member.key;
    if (isEndless && (startsSample || member.key === undefined)) names.clear();
    if (names.has(name)) {
      throw new UsageError(`Expected each member name once but received ${where} under an earlier one's`);
    }
    names.add(name);
    yield { member, entry, startsSample };
  }
}
