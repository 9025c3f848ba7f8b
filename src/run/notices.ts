import type { Config } from '../config.ts';
import type { Source } from '../io/source.ts';

const NO_FOLDER_LABELS =
  'Every image lies in a folder: where there is a metadata.jsonl, Hugging Face’s datasets take no labels from folders, unless they are loaded with drop_labels=False';

function hasFoldersOnly(source: Source): boolean {
  for (let i = 0; i < source.total; i++) if (!source.at(i).relativePath.includes('/')) return false;
  return true;
}

/** Says what a table for Hugging Face's datasets does to labels from folders, where there may be some. */
export function metadataNotices({ hfMetadata }: Config, source: Source): string[] {
  return hfMetadata && hasFoldersOnly(source) ? [NO_FOLDER_LABELS] : [];
}

/** Says which classes are looked for and left as they are. */
export function untouchedNotices({ classes, redact }: Config): string[] {
  const untouched = classes.filter((c) => redact[c] === 'none');
  return untouched.length > 0 ? [`${untouched.join(', ')} will NOT be redacted (mode none)`] : [];
}

/** Says what is published without having been looked at, or although it was found. */
export function keptNotices({ keep, protectLabels }: Config, { keptMembers }: Source): string[] {
  const names = keep.filter((name) => name !== 'cls').join(', ');
  return [
    ...(keptMembers.length > 0 ? [`${names} (--keep) will be PUBLISHED AS GIVEN: nothing in it is anonymized`] : []),
    ...(protectLabels.length > 0
      ? [`In labelled objects of ${protectLabels.join(', ')} (--protect-labels) ONLY FACES will be redacted`]
      : []),
  ];
}
