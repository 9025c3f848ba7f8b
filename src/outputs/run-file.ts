import * as v from 'valibot';
import { UsageError } from '../errors.ts';
import { OUTPUT_FORMATS } from '../options.ts';

export const wholeNumber = v.pipe(v.number(), v.integer(), v.minValue(0));

/** What run.json tells of how an output is cut. */
export const layoutSchema = v.object({
  total: wholeNumber,
  samplesPerShard: v.pipe(wholeNumber, v.minValue(1)),
  format: v.picklist(OUTPUT_FORMATS),
  sourceIds: v.optional(v.boolean(), false),
  daliIndex: v.optional(v.boolean(), false),
  hfMetadata: v.optional(v.boolean(), false),
});

/** What run.json tells of labelled objects, in a run that has some. */
export const lossSchema = v.object({
  labelLoss: v.optional(v.object({ over: v.pipe(v.number(), v.minValue(0), v.maxValue(1)) })),
});

/** Whether the settings in run.json are of a run over clips. */
export function isClipRun(run: Readonly<Record<string, unknown>>): boolean {
  return run.kind === 'clips';
}

/** Whether they are of a run over clips that has published images of their frames. */
export function isFrameRun(run: Readonly<Record<string, unknown>>): boolean {
  return run.kind === 'frames';
}

/** What an output holds that is not made of still images. */
function heldBy(run: Readonly<Record<string, unknown>>): string | undefined {
  if (isClipRun(run)) return 'clips';
  return isFrameRun(run) ? 'frames of clips' : undefined;
}

/** @throws UsageError when a run.json in the output tells something else, or of clips. */
export function told<T extends v.GenericSchema>(schema: T, run: unknown, out: string): v.InferOutput<T> {
  const held = typeof run === 'object' && run !== null ? heldBy({ ...run }) : undefined;
  if (held !== undefined) {
    throw new UsageError(`Expected an output of images but ${out} holds ${held}, for which this is not possible yet`);
  }
  const result = v.safeParse(schema, run);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new UsageError(
    `Expected run.json of this tool in ${out} but received: ${v.getDotPath(issue) ?? ''} ${issue.message}`,
  );
}
