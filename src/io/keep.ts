import { UsageError } from '../errors.ts';
import { isPictureName } from './extensions.ts';

/** What passes from the inputs to the output besides redacted images: an allow-list. */
export interface Keep {
  /** Class indices. */
  readonly cls: boolean;
  /** What a list of inputs calls its images. */
  readonly listedKey: boolean;
  /** Labelled objects. */
  readonly labels: boolean;
  /** Extensions of WebDataset members that are copied whole, sorted. */
  readonly members: readonly string[];
  /** Fields of `.json` members, sorted. */
  readonly fields: readonly string[];
}

/** What `--keep` is when nobody says it. */
export const KEPT_BY_DEFAULT: readonly string[] = ['cls'];

/** The member of a sample, and the file beside an image, that holds the fields that pass. */
export const FIELDS_MEMBER = 'labels.json';

const JSON_FIELD = /^json\.(.+)$/s;

/**
 * Reads the names of `--keep`: `cls`, `key`, `labels`, `json.<field>`, an extension, or `none` alone.
 * @throws UsageError for a name that cannot pass.
 */
export function parseKeep(names: readonly string[]): Keep {
  const wanted = new Set(names);
  if (wanted.delete('none') && wanted.size > 0) {
    throw new UsageError(`Expected none or names of fields for --keep but received both`);
  }
  const cls = wanted.delete('cls');
  const listedKey = wanted.delete('key');
  const labels = wanted.delete('labels');
  const fields: string[] = [];
  const members: string[] = [];
  for (const name of wanted) {
    const field = JSON_FIELD.exec(name)?.[1];
    if (field !== undefined) fields.push(field);
    else members.push(extensionNamed(name));
  }
  return { cls, listedKey, labels, members: members.sort(), fields: fields.sort() };
}

function extensionNamed(name: string): string {
  const refuse = (expected: string): never => {
    throw new UsageError(`Expected ${expected} for --keep but received ${JSON.stringify(name.slice(0, 60))}`);
  };
  if (!/^[a-z0-9_]{1,32}(\.[a-z0-9_]{1,32}){0,3}$/.test(name)) refuse('cls, key, labels, json.<field> or an extension');
  // With its key, the name of a member must fit into the header of a tar.
  if (name.length > 80) refuse('an extension of at most 80 characters');
  if (/(^|\.)json$/.test(name)) refuse('single fields of .json members, such as json.caption,');
  if (isPictureName(`x.${name}`)) refuse('no extension of pictures and films, which only pass when they are redacted,');
  if (/(^|\.)cls$/.test(name)) refuse('cls');
  return name;
}

/**
 * Members that a sample has besides its image, record and class index, in order of their names.
 * @param labels the one that holds labelled objects.
 */
export function keptMembersOf({ members, fields, listedKey }: Keep, labels?: string): string[] {
  return [
    ...members,
    ...(labels === undefined ? [] : [labels]),
    ...(fields.length > 0 || listedKey ? [FIELDS_MEMBER] : []),
  ].sort();
}
