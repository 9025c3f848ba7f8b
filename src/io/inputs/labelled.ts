import { KeepError } from '../json-fields.ts';
import type { LabelReader } from '../labels/label-reader.ts';
import type { InputPart, ReadSample } from './input-part.ts';
import { type KeepPlan, ReadKept } from './kept.ts';

/** A part whose images have labels beside them. @param plan of what of them passes. */
export function withLabels(part: InputPart, reader: LabelReader, plan: KeepPlan): InputPart {
  return {
    ...part,
    dropped: plan.labels === undefined ? part.dropped : withoutLabelFiles(part, reader),
    async *read(isWanted): AsyncGenerator<ReadSample> {
      for await (const sample of part.read(isWanted)) {
        yield { ...sample, kept: await labelsOf(part.pathOf(sample.at), reader) };
      }
    },
  };
}

async function labelsOf(image: string, reader: LabelReader): Promise<ReadKept> {
  const kept = new ReadKept();
  try {
    const { labels, member, fields = {} } = await reader.of(image);
    kept.labels = labels;
    kept.fields = fields;
    if (member !== undefined && reader.member !== undefined) kept.members.set(reader.member, member);
  } catch (error) {
    if (!(error instanceof KeepError)) throw error;
    kept.refusal = error;
  }
  return kept;
}

/** What was not taken, but for the files of labels that do pass. */
function withoutLabelFiles(part: InputPart, reader: LabelReader): ReadonlyMap<string, number> {
  const dropped = new Map(part.dropped);
  const { fileExtension } = reader;
  if (fileExtension === undefined) return dropped;
  let passed = 0;
  for (const at of part.names.keys()) if (reader.hasFileOf(part.pathOf(at))) passed++;
  const left = (dropped.get(fileExtension) ?? 0) - passed;
  if (left > 0) dropped.set(fileExtension, left);
  else dropped.delete(fileExtension);
  return dropped;
}
