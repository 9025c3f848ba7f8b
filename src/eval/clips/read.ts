import { UsageError } from '../../errors.ts';
import type { CategoryNames } from '../labels/names.ts';
import { readText } from '../labels/text.ts';
import { readFrameLines } from './frame-lines.ts';
import type { ClipLabels } from './labels.ts';
import { readMot } from './mot.ts';

/**
 * The labels of a clip.
 * @throws UsageError for a file that is damaged, contradicts itself or has no label of a class that is known.
 */
export async function readClipLabels(file: string, names: CategoryNames): Promise<ClipLabels> {
  const text = await readText(file);
  const labels = file.endsWith('.jsonl') ? readFrameLines(text, file, names) : readMot(text, file, names);
  if (labels.labelled.length > 0) return labels;
  throw new UsageError(
    `${file}: expected labels of faces, bodies, plates or text but the categories are ${names.seen}; map them to classes`,
  );
}
