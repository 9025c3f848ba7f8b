import { readdir } from 'node:fs/promises';
import { UsageError } from '../../errors.ts';
import { isCoco } from '../../eval/labels/coco.ts';
import { findLabelFiles } from '../../eval/labels/find.ts';
import { readText } from '../../eval/labels/text.ts';
import type { Labels } from '../class-folders.ts';
import { METADATA_FILES } from './metadata.ts';

/** Files of one kind that are looked into. */
const LOOKED_AT = 20;
/** Characters of a file by which it is known. */
const HEAD = 4096;

/**
 * Which labels lie beside the images of a folder.
 * @throws UsageError when there are none, or of several forms: only a person knows which are meant.
 */
export async function detectLabels(root: string): Promise<Exclude<Labels, 'none' | 'folders' | 'auto'>> {
  const files = await findLabelFiles(root);
  const any = async (paths: readonly string[], isOne: (text: string) => boolean): Promise<boolean> => {
    for (const path of paths.slice(0, LOOKED_AT)) if (isOne(await readText(path).catch(() => ''))) return true;
    return false;
  };
  const has = (pattern: RegExp) => (text: string) => pattern.test(text.slice(0, HEAD));
  const hasNames = files.lists.length > 0 || (await any(files.yaml, (text) => /^["']?names["']?[ \t]*:/m.test(text)));
  const found = [
    hasNames && (await any(files.txt, has(/^[ \t]*\d+([ \t]+-?[\d.]+(e-?\d+)?){4,}[ \t]*\r?$/im))) ? 'yolo' : undefined,
    (await any(files.xml, has(/<annotation[\s>]/))) ? 'voc' : undefined,
    (await any(files.json, isCocoText)) ? 'coco' : undefined,
    (await readdir(root)).some((name) => METADATA_FILES.includes(name)) ? 'metadata' : undefined,
  ].filter((format) => format !== undefined) as Exclude<Labels, 'none' | 'folders' | 'auto'>[];
  const [only, second] = found;
  if (only !== undefined && second === undefined) return only;
  throw new UsageError(
    `Expected labels of one form in ${root} for --labels auto but found ${found.join(', ') || 'none'}`,
  );
}

function isCocoText(text: string): boolean {
  if (!text.includes('"annotations"') || !text.includes('"categories"')) return false;
  try {
    return isCoco(JSON.parse(text));
  } catch {
    return false;
  }
}
