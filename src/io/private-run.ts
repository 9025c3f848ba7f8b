import { join } from 'node:path';
import * as v from 'valibot';
import { CLASSES } from '../core/types.ts';
import { UsageError } from '../errors.ts';
import { PRIVATE_RUN } from './private-files.ts';
import { readPrivateFile, writePrivateFile } from './private-lines.ts';
import type { Seal } from './seal.ts';

const score = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const digest = v.nullable(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)));

const privateRunSchema = v.object({
  v: v.literal(1),
  /** Samples of the run. */
  total: v.pipe(v.number(), v.integer(), v.minValue(0)),
  hasCls: v.boolean(),
  seed: v.number(),
  /** SHA-256 of the regions that were given in the place of detections. */
  boxes: digest,
  /** SHA-256 of the corrections, in whatever order. */
  corrections: digest,
  /** SHA-256 of the list of inputs; only of parts of a run, which must agree in it. */
  listing: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))),
  /** SHA-256 of the key of source ids; only of parts of a run, which must share it. */
  sourceIdKey: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))),
  /** How the detections were made that the folder keeps. */
  detected: v.object({
    models: v.array(v.string()),
    classes: v.array(v.picklist(CLASSES)),
    quality: v.picklist(['fast', 'balanced', 'max']),
    threshold: v.object({ face: score, body: score, plate: score, text: score }),
    mergesPlatesAndText: v.boolean(),
  }),
  /** Options of the run, as the public run.json tells them. */
  settings: v.record(v.string(), v.unknown()),
});

/** What the private folder keeps of a run. No name and no path: those stand in the logs. */
export type PrivateRun = v.InferOutput<typeof privateRunSchema>;

/** @throws OutputError */
export async function writePrivateRun(folder: string, run: PrivateRun, seal?: Seal): Promise<void> {
  await writePrivateFile(folder, PRIVATE_RUN, `${JSON.stringify(run, undefined, 2)}\n`, seal);
}

/** Undefined when the folder has none, as those of the first versions. @throws UsageError for another content. */
export async function readPrivateRun(folder: string, seal?: Seal): Promise<PrivateRun | undefined> {
  const path = join(folder, PRIVATE_RUN);
  const text = await readPrivateFile(folder, PRIVATE_RUN, seal);
  if (text === undefined) return undefined;
  try {
    return v.parse(privateRunSchema, JSON.parse(text));
  } catch (cause) {
    throw new UsageError(`Expected the settings of a run in ${path} but received: ${(cause as Error).message}`, {
      cause,
    });
  }
}
