import { fillConfig } from '../config.ts';
import { CLASSES, type ClassName } from '../core/types.ts';
import { UsageError } from '../errors.ts';
import type { Manifest } from '../models/manifest.ts';
import type { Options } from '../options.ts';
import { prepareJob } from '../prepare.ts';
import { packageVersion } from '../version.ts';
import { WorkerPool } from '../worker/pool.ts';
import { GAP_RULE } from './attributes.ts';
import type { Picture } from './class-tally.ts';
import { readLabels } from './labels/read.ts';
import type { LabelSet } from './labels/types.ts';
import type { EvaluationReport } from './report.ts';
import { Tally } from './tally.ts';

export interface EvaluateOptions
  extends Pick<
    Options,
    'classes' | 'quality' | 'model' | 'threshold' | 'grow' | 'device' | 'workers' | 'limitPixels' | 'timeLimit'
  > {
  /** A folder of labelled photographs, or a file of labels. */
  readonly data: string;
  /** A folder of photographs outside the data folder. */
  readonly images?: string;
  /** Classes of category names that are not known by themselves. */
  readonly map?: Readonly<Record<string, ClassName>>;
  /** Most photographs to measure, spread evenly over the set. */
  readonly limit?: number;
  /** Models and levels to measure instead of those that ship with the package. */
  readonly manifest?: Manifest;
}

export interface EvaluateProgress {
  readonly done: number;
  readonly total: number;
  readonly failed: number;
}

export interface EvaluateHooks {
  readonly onProgress?: (progress: EvaluateProgress) => void;
}

export interface Evaluation {
  readonly report: EvaluationReport;
  /** What to look at, by class: for a page that shows the photographs themselves. */
  readonly pictures: Readonly<
    Partial<Record<ClassName, { readonly misses: readonly Picture[]; readonly falseAlarms: readonly Picture[] }>>
  >;
}

/**
 * Measures what the models find and what a run would redact on labelled photographs. A photograph that cannot be
 * read is reported and left out.
 *
 * @throws UsageError for wrong options, a folder without labels, or a class that nothing in it is labelled with;
 * ModelError when a model cannot be opened or trusted.
 */
export async function evaluate(options: EvaluateOptions, hooks: EvaluateHooks = {}): Promise<Evaluation> {
  const started = performance.now();
  const { data, images: folder, map, limit, manifest, ...settings } = options;
  checkLimit(limit);
  // Checked before labels are read, which may take a while.
  const config = fillConfig({ inputs: ['-'], out: 'unused', ...settings });
  const labels = await readLabels(data, {
    ...(map ? { map } : {}),
    ...(folder === undefined ? {} : { images: folder }),
  });
  const classes = classesToMeasure(labels, config.classes, data);
  const job = await prepareJob(config, manifest);
  const images = spread(
    labels.images.filter((image) => image.labelled.some((cls) => classes.includes(cls))),
    limit,
  );
  const tally = new Tally(job, images, classes);
  const workers = Math.min(config.workers, images.length);
  const pool = new WorkerPool(tally.evaluation, { workers });
  try {
    const device = await pool.ready();
    // One in work per worker: otherwise the stages' times would hold waiting for each other.
    await inLanes(images, workers, async (image, index) => {
      const outcome = await pool.detect({ kind: 'file', path: image.file });
      tally.add(index, outcome);
      hooks.onProgress?.({ done: tally.done, total: images.length, failed: tally.failed.size });
    });
    const report: EvaluationReport = {
      v: 1,
      version: packageVersion(),
      data,
      formats: labels.formats,
      unmapped: labels.unmapped,
      quality: config.quality,
      device,
      workers,
      ...tally.sums(),
      seconds: (performance.now() - started) / 1000,
      classes: tally.classReports(),
      gapRule: GAP_RULE,
    };
    return { report, pictures: tally.pictures() };
  } finally {
    await pool.close();
  }
}

/** @throws UsageError for a `--limit` that is no whole number from 1 on. */
export function checkLimit(limit: number | undefined): void {
  if (limit === undefined || (Number.isInteger(limit) && limit >= 1)) return;
  throw new UsageError(`Expected a whole number from 1 for --limit but received ${limit}`);
}

/** Those that are both looked for and labelled; the others are looked for as in any run, since they give evidence. */
function classesToMeasure(labels: LabelSet, wanted: readonly ClassName[], data: string): ClassName[] {
  const labelled = CLASSES.filter((cls) => labels.images.some((image) => image.labelled.includes(cls)));
  const classes = labelled.filter((cls) => wanted.includes(cls));
  if (classes.length > 0) return classes;
  throw new UsageError(
    `Expected a class that is labelled in ${data} (${labelled.join(', ')}) for --classes but received ${wanted.join(', ')}`,
  );
}

/** At most `limit` items, at even distances. */
export function spread<T>(items: readonly T[], limit = Infinity): readonly T[] {
  if (items.length <= limit) return items;
  return Array.from({ length: limit }, (_, i) => items[Math.floor((i * items.length) / limit)] as T);
}

/** Works through `items` with at most `lanes` of them in work. */
async function inLanes<T>(
  items: readonly T[],
  lanes: number,
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let i = next++; i < items.length; i = next++) await work(items[i] as T, i);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}
