import type { Config, Options } from './config.ts';
import { UsageError } from './errors.ts';
import type { Labels } from './io/class-folders.ts';
import { labelMember, objectMember } from './io/labels/open.ts';

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
export function assertListAlone({
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
