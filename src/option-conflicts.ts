import type { Config } from './config.ts';
import { CLASSES, type ClassName, type Mode } from './core/types.ts';
import { UsageError } from './errors.ts';
import type { Labels } from './io/class-folders.ts';
import { labelMember, objectMember } from './io/labels/open.ts';
import { flagOf, type Options, type ParsedOptions } from './options.ts';

/**
 * @param classes that are looked for.
 * @throws UsageError for options of which each may be given, but not with the other ones.
 */
export function assertGoTogether(
  o: ParsedOptions,
  classes: readonly ClassName[],
  redact: Readonly<Record<ClassName, Mode>>,
): void {
  const { inputs = [] } = o;
  if (o.fromFile === undefined && inputs.length === 0) {
    throw new UsageError(`Expected at least one path for <input> but received ${o.inputs ? 'none' : 'nothing'}`);
  }
  if (o.fromFile !== undefined) assertListAlone({ ...o, inputs });
  if (o.preset && o.classes) throw new UsageError('Expected either --preset or --classes but received both');
  if (o.retryFailed && (o.overwrite || !o.resume)) {
    const other = o.overwrite ? '--overwrite' : '--no-resume';
    throw new UsageError(`Expected an earlier output to be gone on with for --retry-failed but received ${other}`);
  }
  if (o.boxes !== undefined) assertNoDetectors(o, '--boxes');
  if (o.lookAhead !== undefined && !o.singlePass) {
    throw new UsageError('Expected --single-pass with --look-ahead, since two passes see the whole clip');
  }
  for (const option of ['boxes', 'corrections'] as const) {
    if (!o.singlePass || o[option] === undefined) continue;
    throw new UsageError(`Expected no --${option} with --single-pass, which follows what it detects, but received one`);
  }
  if (o.singlePass && o.audio !== 'drop') {
    throw new UsageError(`Expected no sound with --single-pass, which drops it, but received --audio ${o.audio}`);
  }
  for (const option of ['redact', 'grow', 'threshold', 'model'] as const) {
    const given = o[option];
    const stray = typeof given === 'object' ? CLASSES.find((c) => c in given && !classes.includes(c)) : undefined;
    if (stray) {
      throw new UsageError(
        `Expected classes that are looked for (${classes.join(', ')}) for --${option} but received ${stray}`,
      );
    }
  }
  for (const [option, cls] of [
    ['bodyFill', 'body'],
    ['textFill', 'text'],
  ] as const) {
    if (o[option] !== undefined && redact[cls] !== 'synthetic') {
      throw new UsageError(`Expected --redact ${cls}=synthetic with ${flagOf(option)} but received ${redact[cls]}`);
    }
  }
  for (const [option, isSaid] of [
    ['--keep labels', o.keep.includes('labels')],
    ['--label-loss', o.labelLoss !== undefined],
    ['--protect-labels', o.protectLabels.length > 0],
  ] as const) {
    if (isSaid && o.labels !== 'auto') assertLabels(o.labels, option);
  }
  if (o.labels === 'folders' && o.format === 'folder') {
    throw new UsageError(
      'Expected --format webdataset with --labels folders: a mirrored tree keeps its folders anyway',
    );
  }
  for (const [option, format] of [
    ['daliIndex', 'webdataset'],
    ['hfMetadata', 'folder'],
  ] as const) {
    if (o[option] && o.format !== format) {
      throw new UsageError(`Expected --format ${format} with ${flagOf(option)} but received ${o.format}`);
    }
  }
  if (o.hfMetadata && o.keep.includes('jsonl')) {
    throw new UsageError(
      'Expected no jsonl in --keep with --hf-metadata, since it could pass for its table, but received it',
    );
  }
  assertPart(o);
  assertFramesAlone(o);
}

/** Images of frames have no sound and are in no container. */
function assertFramesAlone({ frames, audio, clipFormat }: ParsedOptions): void {
  if (frames === undefined) return;
  const [option, given] = audio === 'drop' ? ['--clip-format', clipFormat] : ['--audio', audio];
  if (given === 'mp4') return;
  throw new UsageError(`Expected no ${option} with --frames, which publishes images, but received ${given}`);
}

function assertPart({ shardIndex, shardCount, overwrite }: ParsedOptions): void {
  if (shardIndex === undefined && shardCount === undefined) return;
  if (shardIndex === undefined || shardCount === undefined) {
    const [given, other] = shardCount === undefined ? ['index', 'count'] : ['count', 'index'];
    throw new UsageError(`Expected --shard-${other} with --shard-${given} but received only one of them`);
  }
  if (shardIndex >= shardCount) {
    throw new UsageError(
      `Expected a whole number from 0 to ${shardCount - 1} for --shard-index with --shard-count ${shardCount} but received ${shardIndex}`,
    );
  }
  if (overwrite) {
    throw new UsageError(
      'Expected no --overwrite with --shard-index, since other processes may be at work in the folder; remove it by hand, or start over without --shard-index',
    );
  }
}

/**
 * @param boxes what the regions come from.
 * @throws UsageError for options of detectors, which such a run does not have.
 */
export function assertNoDetectors(
  options: { readonly model: object; readonly threshold: object; readonly quality?: string | undefined },
  boxes: string,
): void {
  for (const option of ['model', 'threshold', 'quality'] as const) {
    const given = options[option];
    if (given === undefined || (typeof given === 'object' && Object.keys(given).length === 0)) continue;
    throw new UsageError(`Expected no --${option} with ${boxes}, which needs no detector, but received one`);
  }
}

/** @throws UsageError for labels that an option makes no sense with. */
export function assertLabels(labels: Labels, option: string): void {
  const isPassing = option === '--keep labels';
  if ((isPassing ? labelMember(labels) : objectMember(labels)) !== undefined) return;
  throw new UsageError(
    `Expected --labels yolo, voc${isPassing ? ', coco or masks' : ' or coco'} with ${option} but received ${labels}`,
  );
}

/**
 * The same settings once it is known which labels there are.
 * @throws UsageError where they do not go together.
 */
export function withFoundLabels(config: Config, labels: Labels): Config {
  if (config.keep.includes('labels')) assertLabels(labels, '--keep labels');
  if (config.protectLabels.length > 0) assertLabels(labels, '--protect-labels');
  return Object.freeze({ ...config, labels });
}

/** A list says itself what the inputs, their labels and their boxes are. */
function assertListAlone({
  inputs,
  boxes,
  labels,
}: Pick<Options, 'boxes' | 'labels'> & { readonly inputs: readonly string[] }): void {
  const other = inputs?.length
    ? 'inputs'
    : boxes !== undefined
      ? '--boxes'
      : labels !== 'none'
        ? '--labels'
        : undefined;
  if (other === undefined) return;
  throw new UsageError(`Expected no ${other} with --from-file, whose lines may tell them, but received some`);
}
