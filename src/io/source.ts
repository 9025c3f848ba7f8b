import { resolve } from 'node:path';
import type { SampleLabels } from '../core/labels.ts';
import type { SampleRef } from '../core/sample.ts';
import type { Detection } from '../core/types.ts';
import { UsageError } from '../errors.ts';
import { classFolders, type Labels } from './class-folders.ts';
import { assertDisjoint } from './disjoint.ts';
import { listFiles } from './inputs/files.ts';
import type { InputPart } from './inputs/input-part.ts';
import { type Input, inspectInput, stemOf } from './inputs/inspect.ts';
import { joinParts } from './inputs/joined.ts';
import { KeepPlan, type KeptMembers } from './inputs/kept.ts';
import { withLabels } from './inputs/labelled.ts';
import { listFromFile } from './inputs/list.ts';
import { selected } from './inputs/selected.ts';
import { listTar } from './inputs/tar.ts';
import { KEPT_BY_DEFAULT, parseKeep } from './keep.ts';
import { isMask } from './labels/masks.ts';
import { isBeside, labelMember, openLabels } from './labels/open.ts';

/** What the sample is called at the source. For the private directory only. */
export interface SampleOrigin {
  /** Absolute path of the file, or of the tar archive. */
  readonly path: string;
  readonly member?: string;
}

/** A sample as the inputs are listed: its bytes have not been looked at. */
export interface ListedSample {
  /** 0, 1, 2… without gaps, in the order of the inputs. */
  readonly index: number;
  readonly origin: SampleOrigin;
  /** POSIX path for `--format folder`. */
  readonly relativePath: string;
  /** Class index, when every sample of the run has one. */
  readonly cls?: string;
  /** What a list of inputs calls it. */
  readonly listedKey?: string;
}

export interface Sample extends ListedSample {
  readonly ref: SampleRef;
  /** What passes with it, by extension; the same ones for every sample. */
  readonly kept?: KeptMembers;
  /** Labelled objects of the image. */
  readonly labels?: SampleLabels;
}

export interface Wanted {
  /** Samples that are read; default all. */
  readonly isWanted?: (index: number) => boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Everything that one run reads, known before its work begins. Nothing in it is fit for public files. */
export interface Source {
  readonly total: number;
  /** Samples by lower-case extension. */
  readonly extensions: ReadonlyMap<string, number>;
  /** What was not taken, by extension or kind (`hidden`, `repeated folder`, `symlink`…). */
  readonly dropped: ReadonlyMap<string, number>;
  readonly hasCls: boolean;
  /** Extensions of what passes besides images and class indices, sorted. */
  readonly keptMembers: readonly string[];
  /** What class indices mean, when they come from folders or from names in a list. */
  readonly classNames?: readonly string[];
  /** Category names by the number that labels beside images use. */
  readonly categories?: Readonly<Record<string, string>>;
  /** What a list of inputs has for a sample in the place of detections. */
  readonly boxesOf?: (index: number) => readonly Detection[] | undefined;
  /** What is known of a sample without reading it. @throws RangeError for an index beyond the last. */
  at(index: number): ListedSample;
  /** The wanted samples in order of index. Ends early, without an error, when `signal` is aborted. */
  samples(wanted?: Wanted): AsyncGenerator<Sample>;
}

export interface SourceOptions {
  /** Folders, image files and WebDataset `.tar` shards; none with `fromFile`. */
  readonly inputs: readonly string[];
  /** A list of images, one JSON object per line. */
  readonly fromFile?: string;
  readonly out: string;
  readonly privateDir: string;
  /** `folders`: the class index of the uppermost folder that an image lies in; others: files beside images; default `none`. */
  readonly labels?: Labels;
  /** What passes besides images; default class indices. */
  readonly keep?: readonly string[];
  /** Larger tar members are refused; default 512 MiB. */
  readonly memberLimitBytes?: number;
}

/**
 * Lists the inputs and checks all that can be checked without decoding an image.
 *
 * @throws UsageError for an input that is missing, unreadable or not supported, for places that
 * overlap, and for two samples of the same relative path.
 */
export async function openSource(options: SourceOptions): Promise<Source> {
  const keep = parseKeep(options.keep ?? KEPT_BY_DEFAULT);
  const plan = new KeepPlan(keep, labelMember(options.labels));
  if (options.fromFile !== undefined) {
    const list = await listFromFile(options.fromFile, options.out, options.privateDir, plan);
    const boxesOf = (index: number): readonly Detection[] | undefined => list.images[index]?.boxes;
    const keyOf = (index: number): string | undefined => list.images[index]?.key;
    return { ...joinParts([list], { plan, classNames: list.classNames, keyOf }), boxesOf };
  }
  const { memberLimitBytes = 512 * 2 ** 20 } = options;
  if (options.inputs.length === 0) throw new UsageError('Expected at least one input but received none');
  const inputs = await Promise.all(options.inputs.map(inspectInput));
  const places = await assertDisjoint(
    inputs.map((input) => input.path),
    resolve(options.out),
    resolve(options.privateDir),
  );
  let parts: InputPart[] = [];
  for (const input of inputs) {
    const prefix = inputs.length > 1 && input.kind !== 'file' ? `${stemOf(input)}/` : '';
    parts.push(
      input.kind === 'tar'
        ? await listTar(input.path, prefix, memberLimitBytes, plan.members.length > 0 ? plan : undefined)
        : await listFiles(input, prefix, places),
    );
  }
  const classes = options.labels === 'folders' ? classFolders(pathsInFolders(inputs, parts)) : undefined;
  if (classes)
    parts = parts.map((part) => ({ ...part, labelled: true, labelOf: (at) => classes.indexOf(part.pathOf(at)) }));
  if (parts.length > 1) assertDistinct(parts, options.inputs);
  if (!isBeside(options.labels)) {
    return joinParts(parts, { plan, classNames: classes?.classNames });
  }
  const [part, second] = parts;
  const root = inputs[0]?.kind === 'folder' ? inputs[0].path : undefined;
  if (part === undefined || second !== undefined || root === undefined) {
    throw new UsageError(`Expected one folder as input for --labels ${options.labels} but received another`);
  }
  const masks = options.labels === 'masks' ? part.names.filter(isMask) : [];
  const images = masks.length > 0 ? selected(part, (path) => !isMask(path), 'png') : part;
  const reader = await openLabels(options.labels, root, images.names, masks, plan);
  const source = joinParts([withLabels(images, reader, plan)], { plan, classNames: undefined });
  return { ...source, ...(reader.categories ? { categories: reader.categories } : {}) };
}

/** @throws UsageError for an input that is no folder. */
function pathsInFolders(inputs: readonly Input[], parts: readonly InputPart[]): string[] {
  return parts.flatMap((part, i) => {
    const input = inputs[i] as Input;
    if (input.kind !== 'folder') {
      throw new UsageError(
        `Expected folders as input for --labels folders but received the ${input.kind} ${input.path}`,
      );
    }
    return part.names.map((_, at) => part.pathOf(at));
  });
}

/** Says which inputs, not which name: that is the source's, and messages are printed. */
function assertDistinct(parts: readonly InputPart[], inputs: readonly string[]): void {
  const seen = new Map<string, number>();
  for (const [i, part] of parts.entries()) {
    for (const name of part.names) {
      const other = seen.get(name);
      if (other !== undefined) {
        throw new UsageError(
          `Expected inputs without names in common but received one in both ${inputs[other]} and ${inputs[i]}`,
        );
      }
      seen.set(name, i);
    }
  }
}
