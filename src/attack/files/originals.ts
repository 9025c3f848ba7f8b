import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import * as v from 'valibot';
import { UsageError } from '../../errors.ts';
import { looksLikeImage } from '../../io/extensions.ts';
import { fromPairs, type Identities, knownPeople } from '../identities.ts';
import type { LabelledString, OriginalSet } from '../photograph.ts';

/** Labels in the project's own form, beside the photographs; only what text says is of use here. */
const LABELS = 'annotations.json';

const labelsSchema = v.object({
  images: v.array(
    v.object({
      file: v.string(),
      boxes: v.array(
        v.object({ x: v.number(), y: v.number(), w: v.number(), h: v.number(), text: v.optional(v.string()) }),
      ),
    }),
  ),
});

const pairsSchema = v.union([
  v.object({ identities: v.array(v.array(v.string())) }),
  v.object({ pairs: v.array(v.object({ a: v.string(), b: v.string(), same: v.boolean() })) }),
]);

export interface OriginalsOptions {
  /** JSON file that says who is on which photograph: `{identities: [[file…]…]}` or `{pairs: [{a, b, same}…]}`. */
  readonly pairs?: string;
  /** Most photographs, spread evenly over the set. */
  readonly limit?: number;
}

/**
 * The photographs below a folder. People are those of the pairs file, else the first sub-folder names the person; in
 * a folder of labels (`annotations.json`) sub-folders name nobody.
 *
 * @throws UsageError for a folder that is missing or without photographs, and for pairs that name other files,
 * contradict each other or are of another form.
 */
export async function readOriginals(folder: string, options: OriginalsOptions = {}): Promise<OriginalSet> {
  const { pairs, limit } = options;
  if (limit !== undefined && !(Number.isInteger(limit) && limit >= 1)) {
    throw new UsageError(`Expected a whole number from 1 for --limit but received ${limit}`);
  }
  const root = path.resolve(folder);
  const names = spread(await listPhotographs(root, folder), limit);
  const strings = await readStrings(root);
  const photographs = names.map((name) => {
    const file = path.join(root, name);
    return { file, name, strings: strings?.get(file) ?? [] };
  });
  const identities =
    pairs === undefined
      ? knownPeople(peopleOfFolders(names, strings !== undefined))
      : identitiesOf(await readPairs(pairs), pairs, names, limit !== undefined);
  return { photographs, identities };
}

async function listPhotographs(root: string, folder: string): Promise<string[]> {
  const status = await stat(root).catch(() => undefined);
  if (!status?.isDirectory()) {
    throw new UsageError(
      `Expected a folder of photographs but received ${folder}, which ${status ? 'is none' : 'does not exist'}`,
    );
  }
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const names = entries
    .filter((e) => e.isFile() && looksLikeImage(e.name))
    .map((e) => path.relative(root, path.join(e.parentPath, e.name)).split(path.sep).join('/'))
    .filter((name) => !name.split('/').some((segment) => segment.startsWith('.')))
    .sort();
  if (names.length === 0) throw new UsageError(`Expected photographs below ${folder} but found none`);
  return names;
}

/** By absolute path; absent without labels. */
async function readStrings(root: string): Promise<Map<string, LabelledString[]> | undefined> {
  for (const folder of [root, path.dirname(root)]) {
    const file = path.join(folder, LABELS);
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    const { images } = parse(labelsSchema, text, file, 'labels');
    return new Map(
      images.map(({ file: name, boxes }) => [
        path.join(folder, name),
        boxes.flatMap(({ x, y, w, h, text: says }) =>
          says === undefined ? [] : [{ text: says, box: { x1: x, y1: y, x2: x + w, y2: y + h } }],
        ),
      ]),
    );
  }
  return undefined;
}

function peopleOfFolders(names: readonly string[], isLabelled: boolean): (number | undefined)[] {
  const people = new Map<string, number>();
  return names.map((name) => {
    const [folder, ...rest] = name.split('/');
    if (isLabelled || folder === undefined || rest.length === 0) return undefined;
    const known = people.get(folder) ?? people.size;
    people.set(folder, known);
    return known;
  });
}

async function readPairs(file: string): Promise<v.InferOutput<typeof pairsSchema>> {
  const text = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new UsageError(`Expected a readable file for --pairs but received ${file}: ${cause.message}`, { cause });
  });
  return parse(pairsSchema, text, file, 'identities or pairs');
}

function parse<T extends v.GenericSchema>(schema: T, text: string, file: string, what: string): v.InferOutput<T> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new UsageError(`${file}: expected JSON but received text that is not`, { cause });
  }
  const result = v.safeParse(schema, json);
  if (result.success) return result.output;
  const issue = result.issues[0];
  throw new UsageError(`${file}: expected ${what}: ${v.getDotPath(issue) ?? 'file'}: ${issue.message.slice(0, 200)}`);
}

function identitiesOf(
  said: v.InferOutput<typeof pairsSchema>,
  file: string,
  names: readonly string[],
  isPart: boolean,
): Identities {
  const places = new Map(names.map((name, i) => [name, i]));
  /** By the name of the file alone; several have none. */
  const alone = new Map<string, number | undefined>();
  for (const [i, name] of names.entries()) {
    const base = path.posix.basename(name);
    alone.set(base, alone.has(base) ? undefined : i);
  }
  const missing: string[] = [];
  /** A name as below the folder or, where that says which, the name of the file alone. */
  const placeOf = (name: string): number[] => {
    const place = places.get(name) ?? alone.get(path.posix.basename(name));
    if (place === undefined) missing.push(name);
    return place === undefined ? [] : [place];
  };
  const identities =
    'identities' in said
      ? ofGroups(said.identities, names.length, placeOf, file)
      : ofPairs(said.pairs, names.length, placeOf, file);
  if (missing.length > 0 && !isPart) {
    throw new UsageError(`${file}: expected names of photographs but received ${missing[0]}, which is not there`);
  }
  return identities;
}

function ofGroups(
  groups: readonly (readonly string[])[],
  photographs: number,
  placeOf: (name: string) => number[],
  file: string,
): Identities {
  const people: (number | undefined)[] = Array.from({ length: photographs });
  for (const [person, names] of groups.entries()) {
    for (const place of names.flatMap(placeOf)) {
      if (people[place] !== undefined && people[place] !== person) {
        throw new UsageError(`${file}: expected every photograph with one person but received one in two identities`);
      }
      people[place] = person;
    }
  }
  return knownPeople(people);
}

function ofPairs(
  pairs: readonly { readonly a: string; readonly b: string; readonly same: boolean }[],
  photographs: number,
  placeOf: (name: string) => number[],
  file: string,
): Identities {
  const placed = pairs.flatMap(({ a, b, same }) =>
    placeOf(a).flatMap((p) => placeOf(b).map((q) => ({ a: p, b: q, same }))),
  );
  const { contradiction, ...identities } = fromPairs(photographs, placed);
  if (!contradiction) return identities;
  throw new UsageError(
    `${file}: expected pairs that agree but received a different one whose photographs show the same person`,
  );
}

/** At most `limit` items, at even distances. */
function spread<T>(items: readonly T[], limit = Infinity): readonly T[] {
  if (items.length <= limit) return items;
  return Array.from({ length: limit }, (_, i) => items[Math.floor((i * items.length) / limit)] as T);
}
