import { UsageError } from '../errors.ts';
import { splitExtension } from './extensions.ts';
import { keyOf, ShardPlan, type ShardPlanOptions } from './shard-plan.ts';
import type { ListedSample } from './source.ts';
import { fold } from './target-names.ts';

/** Longer names may be cut, to where an extension that is not known yet decides. */
const STEM_CHARACTERS = 200;

/** Equal for two segments that may become the same one, with another extension or a number. */
function stemOf(segment: string): string {
  return splitExtension(segment)
    .stem.slice(0, STEM_CHARACTERS)
    .replace(/(~\d+)+$/, '');
}

/** The names below the output that a sample may take: its own, and those of its folders. */
function* namesOf(relativePath: string): Generator<string> {
  const segments = fold(relativePath).split('/');
  let folder = '';
  for (const [i, segment] of segments.entries()) {
    const isFile = i === segments.length - 1;
    yield `${isFile ? 'file' : 'folder'} ${folder}${stemOf(segment)}`;
    folder += `${segment}/`;
  }
}

/**
 * Which name a sample gets in a folder of outputs may depend on what became of those before it whose names meet its
 * own, so these must all be in one part.
 *
 * @throws UsageError
 */
export function assertNamesApart(
  { total, samplesPerShard, part }: Required<ShardPlanOptions>,
  at: (index: number) => ListedSample,
): void {
  const first = new Map<string, { readonly index: number; readonly part: number }>();
  const { count } = part;
  const ends = Array.from(
    { length: count },
    (_, i) => new ShardPlan({ total, samplesPerShard, part: { index: i, count } }).endSample,
  );
  let number = 0;
  for (let index = 0; index < total; index++) {
    while (index >= (ends[number] as number)) number++;
    for (const name of namesOf(at(index).relativePath)) {
      const isFolder = name.startsWith('folder ');
      const other = isFolder ? name.replace('folder', 'file') : name.replace('file', 'folder');
      // Folders are shared; a file meets files and folders.
      for (const met of isFolder ? [other] : [name, other]) {
        const before = first.get(met);
        if (before === undefined || before.part === number) continue;
        throw new UsageError(
          `Expected names that do not meet across parts for --format folder with --shard-count ${count}, but samples ${keyOf(before.index)} (part ${before.part}) and ${keyOf(index)} (part ${number}) may get the same one; use one process, another count, or --format webdataset`,
        );
      }
      if (!first.has(name)) first.set(name, { index, part: number });
    }
  }
}
