import { dirname } from 'node:path/posix';
import { UsageError } from '../../errors.ts';
import { findLabelFiles } from '../../eval/labels/find.ts';
import type { Labels } from '../class-folders.ts';
import type { KeepPlan } from '../inputs/kept.ts';
import { cocoLabels } from './coco.ts';
import type { LabelReader } from './label-reader.ts';
import { maskLabels } from './masks.ts';
import { metadataLabels } from './metadata.ts';
import { vocLabels } from './voc.ts';
import { yoloLabels } from './yolo.ts';

/** Labels in files beside the images, of a form that is known. */
export function isBeside(labels: Labels | undefined): labels is Exclude<Labels, 'none' | 'folders' | 'auto'> {
  return labels !== undefined && !['none', 'folders', 'auto'].includes(labels);
}

/** Extension of the member, and of the file beside an image, by labels of objects. */
const OBJECT_MEMBERS: Readonly<Partial<Record<Labels, string>>> = { yolo: 'txt', voc: 'xml', coco: 'coco.json' };
const MASK_MEMBER = 'mask.png';

/** The member in which labels pass with `--keep labels`; undefined for labels that pass otherwise. */
export function labelMember(labels: Labels | undefined): string | undefined {
  return labels === 'masks' ? MASK_MEMBER : objectMember(labels);
}

/** The member in which labelled objects pass; undefined for labels of something else. */
export function objectMember(labels: Labels | undefined): string | undefined {
  return labels && OBJECT_MEMBERS[labels];
}

/**
 * The labels of a folder of images.
 * @param images POSIX paths below `root`.
 * @param masks likewise.
 * @throws UsageError when there are none of this form, or they are damaged as a whole.
 */
export async function openLabels(
  labels: Exclude<Labels, 'none' | 'folders' | 'auto'>,
  root: string,
  images: readonly string[],
  masks: readonly string[],
  plan: KeepPlan,
): Promise<LabelReader> {
  if (labels === 'metadata') {
    if (plan.keep.fields.length === 0) {
      throw new UsageError(
        'Expected --keep json.<column> with --labels metadata, which of its columns pass, but received none',
      );
    }
    return metadataLabels(root, new Set(images.map((image) => dirname(image))), plan.keep.fields, plan.types);
  }
  if (labels === 'masks') return maskLabels(root, masks);
  const files = await findLabelFiles(root);
  if (labels === 'yolo') return yoloLabels(files);
  return labels === 'voc' ? vocLabels(files) : cocoLabels(files);
}
