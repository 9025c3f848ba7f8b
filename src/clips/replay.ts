import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import * as v from 'valibot';
import { type Config, fillConfig } from '../config.ts';
import type { RejectedOutcome } from '../core/outcome.ts';
import { UsageError } from '../errors.ts';
import { assertApart, readQuarantine } from '../io/ledger-source.ts';
import { hasPrivateParts, notFinalized } from '../io/parts.ts';
import { CLIP_WORK } from '../io/private-files.ts';
import { readPrivateRun } from '../io/private-run.ts';
import { readPrivateWithdrawn } from '../io/private-withdrawn.ts';
import { openSeal, type Seal } from '../io/seal.ts';
import { readSecret } from '../io/secret.ts';
import { keyOf } from '../io/shard-plan.ts';
import { readSources } from '../io/source-entries.ts';
import { readSourceIdKey } from '../io/source-id-key.ts';
import { assertNoWithdrawal } from '../io/withdrawal.ts';
import type { Options } from '../options.ts';
import {
  allModes,
  assertCorrections,
  commonOptions,
  commonSettings,
  detectedOptions,
  type EarlierRun,
  settingsIn,
} from '../outputs/replay-options.ts';
import { isClipRun } from '../outputs/run-file.ts';
import { mergesPlatesAndText, prepareWithoutDetectors } from '../prepare.ts';
import { holdsFrames } from './frames/plan.ts';
import { type KnownFrames, NO_DETECTIONS, storedFrames } from './known-frames.ts';
import type { ListedClip } from './list.ts';
import { type ClipRunHooks, type ClipsWork, runClipsWork } from './run.ts';
import type { ClipRunSummary } from './summary.ts';
import { ClipWorkspace } from './workspace.ts';

/** Options that a replay of clips does not take from the earlier run. */
export type ClipReplayOptions = Omit<
  Options,
  'inputs' | 'fromFile' | 'model' | 'quality' | 'boxes' | 'detectEvery' | 'singlePass' | 'lookAhead'
>;

export interface ClipReplay {
  readonly config: Config;
  /** Throws as `runClips` does. */
  run(hooks?: ClipRunHooks): Promise<ClipRunSummary>;
}

const settingsSchema = v.object({
  ...commonSettings,
  clipFormat: v.string(),
  audio: v.string(),
  detectEvery: v.number(),
  sourceIds: v.optional(v.boolean(), false),
});

/** Whether a private folder is that of a run over clips. */
export function holdsClips(folder: string): boolean {
  return existsSync(join(folder, CLIP_WORK));
}

/**
 * Redacts the clips of an earlier run again, from the detections that its private folder keeps, without a detector.
 * What the options do not say stays as it was; with nothing said, the bytes are the same, too.
 *
 * @throws UsageError when the folder is not of a run over clips or the options ask for what it does not keep.
 */
export async function openClipReplay(privateDir: string, options: ClipReplayOptions): Promise<ClipReplay> {
  const folder = resolve(privateDir);
  const seal = await openSeal(folder, await readSecret(options));
  if (holdsFrames(folder)) {
    throw new UsageError(
      `Expected the private folder of a run over images or clips but ${privateDir} is of frames of clips, for which this is not possible yet`,
    );
  }
  await assertNoWithdrawal(folder);
  if (await hasPrivateParts(folder)) throw notFinalized(privateDir);
  const run = await readPrivateRun(folder, seal);
  if (run === undefined || !isClipRun(run.settings)) {
    throw new UsageError(`Expected the private folder of a run over clips but received ${privateDir}`);
  }
  if (run.settings.lookAhead !== undefined) {
    throw new UsageError(
      `Expected a run that keeps what it detects but ${privateDir} is of a single pass, which does not`,
    );
  }
  const settings = settingsIn(settingsSchema, run.settings, folder);
  const earlier = { ...run, settings };
  assertCorrections(earlier, options);
  const { preset: _, ...rest } = options;
  const { detectEvery } = rest as Options;
  if (detectEvery !== undefined) {
    throw new UsageError(
      `Expected no --detect-every for a replay, which looks at no frame again, but received ${detectEvery}`,
    );
  }
  const filled = fillConfig({
    inputs: [folder],
    clipFormat: settings.clipFormat,
    audio: settings.audio,
    sourceIds: settings.sourceIds,
    ...commonOptions(earlier, options),
    ...rest,
    ...detectedOptions(earlier, options),
    quality: run.detected.quality,
    detectEvery: settings.detectEvery,
  });
  const config = { ...filled, redact: allModes(settings, options, filled) };
  const keepsIds = config.sourceIds && settings.sourceIds;
  const ids = keepsIds ? { sourceIdKey: await readSourceIdKey(folder, seal) } : {};
  return { config, run: (hooks = {}) => replayClips({ folder, earlier, total: run.total, seal, ids }, config, hooks) };
}

interface EarlierClips {
  readonly folder: string;
  readonly earlier: EarlierRun;
  readonly total: number;
  readonly seal: Seal | undefined;
  /** The earlier run's key of source ids, where that is kept. */
  readonly ids: Pick<ClipsWork, 'sourceIdKey'>;
}

async function replayClips(of: EarlierClips, config: Config, hooks: ClipRunHooks): Promise<ClipRunSummary> {
  const { folder, earlier, seal } = of;
  const withdrawn = await readPrivateWithdrawn(folder, seal);
  const quarantine = await readQuarantine(folder, seal);
  const clips = await clipsIn(of, withdrawn);
  const paths = clips.filter(({ index }) => !withdrawn.has(index)).map(({ path }) => path);
  await assertApart(folder, paths, config.out, config.privateDir);
  const isLarger = config.limitPixels >= earlier.settings.limitPixels;
  const knownFrames = async ({ index, key }: ListedClip): Promise<KnownFrames | RejectedOutcome> => {
    if (withdrawn.has(index)) return WITHDRAWN;
    const stored = await storedFrames(ClipWorkspace.over(join(folder, CLIP_WORK, key), seal));
    if (stored === undefined) return quarantine.get(index) ?? NO_DETECTIONS;
    const { sha256, clip, frames } = stored;
    // What was within the limit is looked at again where that is lower now.
    return { sha256, ...(isLarger ? { clip } : {}), in: frames };
  };
  // In clips, plates and text are both looked for, whatever becomes of them: other modes are another run's.
  const before = { ...earlier.detected, mergesPlatesAndText: mergesPlatesAndText(config) };
  return runClipsWork(
    {
      config,
      listed: { clips, dropped: new Map() },
      prepare: (resolved) => prepareWithoutDetectors(resolved, before),
      knownFrames,
      detections: 'stored',
      before: earlier.detected,
      digest: null,
      ...of.ids,
    },
    hooks,
  );
}

/** The clips of the earlier run in their order. @throws UsageError when the folder does not know all of them. */
async function clipsIn({ folder, total, seal }: EarlierClips, withdrawn: ReadonlySet<number>): Promise<ListedClip[]> {
  const found = new Map<number, ListedClip>();
  for await (const { index, origin, name } of readSources(folder, seal)) {
    found.set(index, { index, key: keyOf(index), path: origin.path, relativePath: name ?? basename(origin.path) });
  }
  return Array.from({ length: total }, (_, index) => {
    const clip = found.get(index);
    if (clip !== undefined) return clip;
    if (withdrawn.has(index)) return { index, key: keyOf(index), path: '', relativePath: `withdrawn/${keyOf(index)}` };
    throw new UsageError(
      `Expected the private folder of a finished run, ${total} clips, but ${folder} knows ${found.size}: let the run finish first`,
    );
  });
}

const WITHDRAWN: RejectedOutcome = {
  status: 'quarantined',
  stage: 'read',
  reason: 'withdrawn',
  message: 'Expected a clip of the earlier run but it was withdrawn',
};
