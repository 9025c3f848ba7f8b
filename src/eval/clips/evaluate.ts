import { Covers } from '../../clips/covers.ts';
import { tracksOf } from '../../clips/first-pass.ts';
import { rangeOf, segmentsIn } from '../../clips/segments.ts';
import { detectingJob, trackingThresholds } from '../../clips/settings.ts';
import { fillConfig } from '../../config.ts';
import { CLASSES, type ClassName } from '../../core/types.ts';
import { SampleError, UsageError } from '../../errors.ts';
import { prepareJob } from '../../prepare.ts';
import { packageVersion } from '../../version.ts';
import { probeClip } from '../../video/probe.ts';
import { stretchOf } from '../../video/stretch.ts';
import { findFfmpeg } from '../../video/tools.ts';
import type { ClipInfo } from '../../video/types.ts';
import { type DetectedFrame, firstCompared } from '../../worker/clip.ts';
import { WorkerPool } from '../../worker/pool.ts';
import { rejection } from '../../worker/process.ts';
import { checkLimit, type EvaluateOptions, spread } from '../evaluate.ts';
import { CategoryNames } from '../labels/names.ts';
import type { FailedImage } from '../report.ts';
import type { FoundClips, LabelledClip } from './find.ts';
import { CLIP_LABEL_FORMATS, type ClipLabels } from './labels.ts';
import { readClipLabels } from './read.ts';
import type { ClipEvaluationReport } from './report.ts';
import { ClipTally } from './tally.ts';

/** Longest clip, frames. */
const LIMIT_FRAMES = 2_000_000;
/** After so long, a worker that has not finished a segment counts as hanging. */
const GIVE_UP_SECONDS = 3600;

export interface EvaluateClipsOptions extends Omit<EvaluateOptions, 'images'> {
  /** Looks at every n-th frame, as a run with this option does. */
  readonly detectEvery?: number;
}

export interface ClipEvaluationProgress {
  /** Frames that were looked at, of those of all clips. */
  readonly done: number;
  readonly total: number;
  /** Clips that could not be measured. */
  readonly failed: number;
}

interface OpenedClip extends LabelledClip {
  readonly info: ClipInfo;
  readonly said: ClipLabels;
}

/**
 * Measures what a run would redact in labelled clips: detections of all frames, tracks over the whole clip, then the
 * labelled frames. A clip that cannot be read is reported and left out.
 *
 * @throws UsageError for wrong options, labels that are damaged or of other clips, or without ffmpeg; ModelError when a
 * model cannot be opened or trusted.
 */
export async function evaluateClips(
  { clips, unlabelled }: FoundClips,
  options: EvaluateClipsOptions,
  hooks: { readonly onProgress?: (progress: ClipEvaluationProgress) => void } = {},
): Promise<ClipEvaluationReport> {
  const started = performance.now();
  const { data, map, limit, manifest, ...settings } = options;
  checkLimit(limit);
  const config = fillConfig({ inputs: ['-'], out: 'unused', ...settings });
  const names = new CategoryNames(map);
  if (clips.length === 0) throw new UsageError(`Expected clips with labels in ${data} but found none`);
  const chosen = spread(clips, limit);
  const labels: ClipLabels[] = [];
  for (const clip of chosen) labels.push(await readClipLabels(clip.labels, names));
  names.assertMapUsed();
  const classes = classesToMeasure(labels, config.classes, data);
  const { opened, failed } = await open(chosen, labels, config.limitPixels);
  const job = await prepareJob(config, manifest);
  const total = opened.reduce((sum, { info }) => sum + info.pts.length, 0);
  const pool = new WorkerPool(detectingJob(job), { workers: config.workers, giveUpAfter: GIVE_UP_SECONDS });
  const tally = new ClipTally(job, classes);
  try {
    const device = await pool.ready();
    let done = 0;
    for (const { name, info, said } of opened) {
      try {
        const frames = await detectAll(pool, info, config.detectEvery, (n) => {
          done += n;
          hooks.onProgress?.({ done, total, failed: failed.length });
        });
        const tracks = await tracksOf(frames, info, {
          thresholds: trackingThresholds(job),
          detectEvery: config.detectEvery,
        });
        const covered = new Covers(tracks).between(0, info.pts.length);
        const redacted = covered.map((covers) => covers.map(({ detection }) => detection));
        tally.add(name, said, redacted, info.width, info.height);
      } catch (error) {
        if (!(error instanceof SampleError)) throw error;
        failed.push(failedClip(name, error));
      }
    }
    return {
      v: 1,
      kind: 'clips',
      version: packageVersion(),
      data,
      formats: CLIP_LABEL_FORMATS.filter((format) => labels.some((said) => said.format === format)),
      unmapped: names.unmapped,
      unlabelled,
      quality: config.quality,
      detectEvery: config.detectEvery,
      device,
      workers: config.workers,
      clips: chosen.length - failed.length,
      frames: total,
      failed: failed.sort((a, b) => (a.image < b.image ? -1 : 1)),
      ...tally.report(),
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    await pool.close();
  }
}

/** Those that are both looked for and labelled. */
function classesToMeasure(labels: readonly ClipLabels[], wanted: readonly ClassName[], data: string): ClassName[] {
  const labelled = CLASSES.filter((cls) => labels.some((said) => said.labelled.includes(cls)));
  const classes = labelled.filter((cls) => wanted.includes(cls));
  if (classes.length > 0) return classes;
  throw new UsageError(
    `Expected a class that is labelled in ${data} (${labelled.join(', ')}) for --classes but received ${wanted.join(', ')}`,
  );
}

/** @throws UsageError for labels of frames that a clip does not have. */
async function open(
  clips: readonly LabelledClip[],
  labels: readonly ClipLabels[],
  limitPixels: number,
): Promise<{ readonly opened: OpenedClip[]; readonly failed: FailedImage[] }> {
  const tools = await findFfmpeg();
  const opened: OpenedClip[] = [];
  const failed: FailedImage[] = [];
  const limits = { limitPixels, limitFrames: LIMIT_FRAMES, timeoutSeconds: GIVE_UP_SECONDS };
  for (const [i, clip] of clips.entries()) {
    const said = labels[i] as ClipLabels;
    const info = await probeClip(tools, clip.path, limits).catch((error: unknown) => {
      if (!(error instanceof SampleError)) throw error;
      failed.push(failedClip(clip.name, error));
    });
    if (!info) continue;
    const frames = info.pts.length;
    const beyond = [...said.frames.keys()].find((frame) => frame >= frames);
    if (beyond !== undefined) {
      throw new UsageError(
        `${clip.labels}: expected labels of the ${frames} frames of ${clip.name} but received frame ${beyond} (counted from 0)`,
      );
    }
    opened.push({ ...clip, info, said });
  }
  return { opened, failed };
}

function failedClip(image: string, error: SampleError): FailedImage {
  const { stage, reason, message } = rejection(error, error.stage);
  return { image, stage, reason, message };
}

/** What the networks see in all frames of a clip. @throws SampleError when a part of it fails. */
async function detectAll(
  pool: WorkerPool,
  clip: ClipInfo,
  every: number,
  onDone: (frames: number) => void,
): Promise<DetectedFrame[]> {
  const counters = new SharedArrayBuffer(8);
  const parts = await Promise.all(
    Array.from({ length: segmentsIn(clip) }, async (_, segment) => {
      const { from, to } = rangeOf(clip, segment);
      const stretch = stretchOf(clip, { from: firstCompared(from), to });
      const task = { clip: stretch, from, to, every, counters };
      const outcome = await pool.segment({ kind: 'detect-segment', segment: task });
      onDone(to - from);
      if (outcome.status === 'detected') return outcome.frames;
      // The others need not go on.
      Atomics.store(new Int32Array(counters), 1, 1);
      return outcome;
    }),
  );
  const frames: DetectedFrame[] = [];
  for (const part of parts) {
    if (!('status' in part)) frames.push(...part);
    else if ('reason' in part) throw new SampleError(part.stage, part.reason, part.message);
  }
  return frames;
}
