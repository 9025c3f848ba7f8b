import { stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, resolve } from 'node:path';
import type { SampleRef } from '../../core/sample.ts';
import { UsageError } from '../../errors.ts';
import { type ListedImage, readList } from '../../known/list.ts';
import { isWithin } from '../../paths.ts';
import { assertDisjoint, realTarget } from '../disjoint.ts';
import type { Fields } from '../json-fields.ts';
import type { InputPart } from './input-part.ts';
import { type KeepPlan, ReadKept } from './kept.ts';

export interface ListPart extends InputPart {
  readonly images: readonly ListedImage[];
  /** What class indices mean, where the list gives names. */
  readonly classNames?: readonly string[];
}

/**
 * The images of a list file, in its order. One that is missing is a sample that fails, as it would be in a folder; a
 * list of which nothing exists has its paths wrong.
 *
 * @throws UsageError for a list that is not valid, and for places that overlap.
 */
export async function listFromFile(list: string, out: string, privateDir: string, plan?: KeepPlan): Promise<ListPart> {
  const file = resolve(list);
  const folder = dirname(file);
  const images = await readList(file);
  const paths = images.map(({ path }) => resolve(folder, path));
  await assertApart(file, paths, out, privateDir);
  if (!(await isAnyThere(paths))) {
    throw new UsageError(
      `Expected the images of ${file} below ${folder}, the folder of the list, but found none of ${images.length}`,
    );
  }
  const fieldsOf = ({ key }: ListedImage): Fields => (key === undefined ? {} : { key });
  if (plan?.keep.listedKey) for (const image of images) plan.types.note(fieldsOf(image));
  const { labelOf, classNames, labels } = classesOf(images);
  return {
    images,
    names: images.map(({ path }) => nameOf(path)),
    dropped: new Map(),
    clsMembers: labels,
    labelled: labels === images.length,
    ...(classNames ? { classNames } : {}),
    originOf: (at) => ({ path: paths[at] as string }),
    pathOf: (at) => nameOf((images[at] as ListedImage).path),
    labelOf,
    async *read(isWanted) {
      for (const [at, path] of paths.entries()) {
        if (!isWanted(at)) continue;
        const kept = new ReadKept();
        if (plan?.keep.listedKey) kept.fields = fieldsOf(images[at] as ListedImage);
        yield { at, ref: await refOf(path), kept };
      }
    },
  };
}

/** Where a list leads elsewhere, only the name of the file: the folders above may tell who somebody is. */
function nameOf(path: string): string {
  return isAbsolute(path) || path.startsWith('../') ? basename(path) : path;
}

async function refOf(path: string): Promise<SampleRef> {
  const isMissing = await stat(path).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === 'ENOENT' || error.code === 'ENOTDIR',
  );
  if (!isMissing) return { kind: 'file', path };
  return { kind: 'refused', reason: 'file-missing', message: 'Expected the file that the list names but found none' };
}

async function isAnyThere(paths: readonly string[]): Promise<boolean> {
  for (const path of paths) if (await stat(path).catch(() => undefined)) return true;
  return false;
}

/** Neither the list nor what it names may lie where the run writes, and perhaps replaces. */
async function assertApart(file: string, paths: readonly string[], out: string, privateDir: string): Promise<void> {
  const places = await assertDisjoint([], resolve(out), resolve(privateDir));
  for (const folder of new Set([file, ...paths].map((path) => dirname(path)))) {
    const real = await realTarget(folder);
    for (const [option, place] of [
      ['--out', places.out],
      ['--private-dir', places.privateDir],
    ] as const) {
      if (isWithin(real, place)) {
        throw new UsageError(`Expected --from-file and its images outside ${option} ${place}, but some are in it`);
      }
    }
  }
}

/** Names are sorted and counted from 0, as those of class folders are. */
function classesOf(images: readonly ListedImage[]): {
  readonly labelOf: (at: number) => number | undefined;
  readonly classNames?: readonly string[];
  /** Images that have a label. */
  readonly labels: number;
} {
  const labels = images.map(({ label }) => label);
  const count = labels.filter((label) => label !== undefined).length;
  const names = labels.filter((label) => typeof label === 'string');
  if (names.length === 0) return { labelOf: (at) => labels[at] as number | undefined, labels: count };
  const classNames = [...new Set(names)].sort((a, b) => (a < b ? -1 : 1));
  const indices = new Map(classNames.map((name, i) => [name, i]));
  return { labelOf: (at) => indices.get(labels[at] as string), classNames, labels: count };
}
