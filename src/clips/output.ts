import { readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Config } from '../config.ts';
import type { RejectedOutcome } from '../core/outcome.ts';
import { UsageError } from '../errors.ts';
import { asOutputError, makeFolder, sha256OfFile, syncFolder, type WrittenFile, withFile } from '../io/atomic.ts';
import { splitExtension } from '../io/extensions.ts';
import { assertUnlocked, OutputLock } from '../io/lock.ts';
import { assertNoPartAtWork, checkOutput, clearOutput, inspectOutput } from '../io/output-folder.ts';
import { assertSameParts } from '../io/part-siblings.ts';
import { placesOf, removeEmptyState } from '../io/parts.ts';
import { CLIP_WORK } from '../io/private-files.ts';
import { assertOpen } from '../io/private-lines.ts';
import type { PrivateRun } from '../io/private-run.ts';
import { rejectedRecord, withdrawnRecord } from '../io/records.ts';
import { removeReports } from '../io/report-pages.ts';
import { LOG_FOLDER, logFile, RUN_FILE, RunLog } from '../io/run-log.ts';
import type { Seal } from '../io/seal.ts';
import { differingSettings } from '../io/settings.ts';
import { shardOfStaging, stagingName, TargetNames } from '../io/target-names.ts';
import { withdrawnSamples } from '../io/tombstones.ts';
import { assertNoWithdrawal } from '../io/withdrawal.ts';
import type { PublishedContainer } from '../video/types.ts';
import { ClipLedger } from './ledger.ts';
import type { ListedClip } from './list.ts';
import { readClipRecord, writeClipLog } from './log.ts';
import type { ClipRecord, FrameRecord, VerifiedClip } from './record.ts';

export interface ClipOutputOptions {
  readonly config: Config;
  /** Of the whole run, whose names are chosen together. */
  readonly clips: readonly ListedClip[];
  /** Those that are to be done: all, or those of a part of the run. */
  readonly own: readonly ListedClip[];
  readonly containerFor: (clip: ListedClip) => PublishedContainer;
  /** Public settings of the run, for run.json. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** How detections are made, for the private folder. */
  readonly privateRun: PrivateRun;
  /** Encrypts the private folder. */
  readonly seal: Seal | undefined;
  /** What source ids are made with, where there are some. */
  readonly sourceIdKey: string | undefined;
}

/**
 * The output of a run over clips: each clip is one file, `<key>.mp4` or a mirror of the inputs, with a log of its own,
 * which is written last and makes the clip count. The private folder knows which clip was which file, and why some were
 * held back.
 */
export class ClipOutput {
  /** Of the private folder; undefined when it is not encrypted. */
  readonly seal: Seal | undefined;
  readonly #out: string;
  readonly #privateDir: string;
  readonly #lock: OutputLock;
  readonly #log: RunLog;
  readonly #ledger: ClipLedger;
  readonly #files: readonly string[];
  readonly #options: ClipOutputOptions;
  /** Whether clips that are not published are done again. */
  readonly #retryFailed: boolean;
  /** Clips that must not come back. */
  readonly #withdrawn: ReadonlySet<number>;

  /**
   * Prepares the folders, or goes on with those of an earlier run of the same settings and inputs.
   * @throws UsageError when the folders are in use; OutputError when they cannot be written.
   */
  static async open(options: ClipOutputOptions): Promise<ClipOutput> {
    const { config, clips, own, settings, privateRun, seal, sourceIdKey } = options;
    const { out, privateDir, part } = config;
    await checkOutput(config);
    const places = placesOf(privateDir, part);
    const lock = await OutputLock.acquire(out, places.lockFile);
    try {
      // Both sides take their lock before they look for that of the other.
      await (part === undefined ? assertNoPartAtWork(out) : assertUnlocked(out));
      if (part !== undefined) {
        assertOpen(privateDir, seal);
        const { format } = config;
        await assertSameParts({ part, out, privateDir, format, total: clips.length, run: settings, privateRun, seal });
      }
      const state = await inspectOutput(config);
      if (state.kind === 'finalized') {
        throw new UsageError(`Expected parts of a run in ${out} but it was finalized: nothing is left to do in a part`);
      }
      if (state.kind === 'earlier') await assertSameRun(options, state.run);
      if (state.kind === 'replaced') await clearOutput(out, state.paths);
      // Keys come before the run: nothing is written that they do not encrypt.
      // Parts share the key that lies in the private folder of the run.
      const ownKey = part === undefined ? sourceIdKey : undefined;
      if (state.kind !== 'earlier') await ClipLedger.create(places.privateDir, seal, ownKey);
      const ofPart = part === undefined ? {} : { total: clips.length, part };
      const log = await RunLog.create(out, { ...settings, ...ofPart }, places.runFile);
      const withdrawn = await withdrawnSamples(out, privateDir, seal);
      const ledger = await ClipLedger.open(places.privateDir, withoutThose(own, withdrawn), privateRun, seal);
      await makeFolder(join(privateDir, CLIP_WORK), 0o700);
      await removeUnfinished(out, options);
      return new ClipOutput(options, lock, log, ledger, withdrawn);
    } catch (error) {
      await lock.release().catch(() => undefined);
      await removeEmptyState(out, places);
      throw error instanceof UsageError ? error : asOutputError(out, error);
    }
  }

  private constructor(
    options: ClipOutputOptions,
    lock: OutputLock,
    log: RunLog,
    ledger: ClipLedger,
    withdrawn: ReadonlySet<number>,
  ) {
    this.seal = options.seal;
    this.#options = options;
    this.#withdrawn = withdrawn;
    this.#retryFailed = options.config.retryFailed;
    this.#out = options.config.out;
    this.#privateDir = options.config.privateDir;
    this.#lock = lock;
    this.#log = log;
    this.#ledger = ledger;
    this.#files = namesOf(options);
  }

  /** Path of a clip below the output folder. */
  fileOf({ index }: ListedClip): string {
    return this.#files[index] as string;
  }

  /** The private folder of the work on a clip. */
  workOf({ key }: ListedClip): string {
    return join(this.#privateDir, CLIP_WORK, key);
  }

  /** Where a clip is written before it gets its name; the folder is made. */
  async stage(clip: ListedClip): Promise<string> {
    const folder = join(this.#out, stagingName(clip.key));
    await makeFolder(folder);
    return join(folder, `clip${splitExtension(this.fileOf(clip)).extension}`);
  }

  /** What has become of the clip in an earlier run, if it is to stay as it is. */
  async kept(clip: ListedClip): Promise<ClipRecord | undefined> {
    if (this.#withdrawn.has(clip.index)) {
      const record = withdrawnRecord(clip.key);
      this.#log.commit([await writeClipLog(this.#out, record)]);
      return record;
    }
    const record = await readClipRecord(this.#out, clip.key);
    if (record === undefined || record.status === 'withdrawn') return undefined;
    if (record.status !== 'verified' && this.#retryFailed) return undefined;
    const files: WrittenFile[] = [];
    if (record.status === 'verified') {
      const sha256 = await sha256OfFile(join(this.#out, this.fileOf(clip))).catch(() => undefined);
      if (record.file !== this.fileOf(clip) || sha256 !== record.out_sha256) return undefined;
      files.push({ path: record.file, sha256 });
    }
    const log = logFile(clip.key);
    this.#log.commit([...files, { path: log, sha256: await sha256OfFile(join(this.#out, log)) }]);
    return record;
  }

  /** Gives a staged clip its name, then writes its log. @throws OutputError */
  async publish(
    clip: ListedClip,
    staged: string,
    record: VerifiedClip,
    frames: AsyncIterable<FrameRecord>,
  ): Promise<void> {
    const target = join(this.#out, record.file);
    try {
      await withFile(staged, 'r+', (handle) => handle.sync());
      await makeFolder(dirname(target));
      await this.#lock.assertHeld();
      await rename(staged, target);
      await syncFolder(dirname(target));
      await rm(dirname(staged), { recursive: true, force: true });
    } catch (error) {
      throw asOutputError(target, error);
    }
    await this.#ledger.release(clip);
    await removeReports(this.#out, this.#privateDir);
    const log = await writeClipLog(this.#out, record, frames);
    this.#log.commit([{ path: record.file, sha256: record.out_sha256 }, log]);
  }

  /** Writes that a clip is not published, and in private why. @throws OutputError */
  async reject(clip: ListedClip, outcome: RejectedOutcome): Promise<ClipRecord> {
    const { status, stage, reason, message } = outcome;
    await rm(join(this.#out, stagingName(clip.key)), { recursive: true, force: true });
    await rm(join(this.#out, this.fileOf(clip)), { force: true });
    await this.#ledger.hold(clip, { status, stage, reason, message });
    await removeReports(this.#out, this.#privateDir);
    const record = rejectedRecord(clip.key, outcome);
    this.#log.commit([await writeClipLog(this.#out, record)]);
    return record;
  }

  /** Every clip is done. @throws OutputError */
  async finish(result: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#lock.assertHeld();
    if (this.#options.config.part === undefined) await this.#log.finish(result);
    else await this.#log.finishPart({ ...result });
    await this.#lock.release();
  }

  /** The run ends before its last clip. */
  async abort(status: 'interrupted' | 'failed'): Promise<void> {
    if (!this.#lock.lost) {
      await removeUnfinished(this.#out, this.#options).catch(() => undefined);
      await this.#log.setStatus(status).catch(() => undefined);
    }
    await this.#lock.release();
  }
}

function namesOf({ config: { format }, clips, containerFor }: ClipOutputOptions): string[] {
  const names = new TargetNames();
  return clips.map((clip) => {
    const { stem } = splitExtension(clip.relativePath);
    const name = format === 'folder' ? stem : clip.key;
    return names.claim(`${name}.${containerFor(clip)}`).path;
  });
}

async function assertSameRun(
  { config: { out, part, privateDir: whole }, own, settings, privateRun, seal }: ClipOutputOptions,
  earlier: Readonly<Record<string, unknown>>,
): Promise<void> {
  await assertNoWithdrawal(whole, earlier);
  const { privateDir } = placesOf(whole, part);
  const differences = await ClipLedger.differences(privateDir, privateRun, seal);
  if (differences.length === 0) differences.push(...differingSettings(earlier, settings));
  if (differences.length > 0) {
    throw new UsageError(
      `Expected the settings of the earlier run in ${out} but they differ (earlier → now): ${differences.join('; ')}; --overwrite replaces the earlier output`,
    );
  }
  // One that was killed at its very beginning has written no clip down, and has published none.
  const listed = withoutThose(own, await withdrawnSamples(out, whole, seal));
  const isKnown = (await ClipLedger.knows(privateDir, listed, seal)) ?? !(await hasLogs(out, own));
  if (isKnown) return;
  throw new UsageError(`Expected the inputs of the earlier run in ${out}, but they differ; --overwrite replaces it`);
}

/** The private folder knows nothing of withdrawn clips. */
function withoutThose(clips: readonly ListedClip[], withdrawn: ReadonlySet<number>): ListedClip[] {
  return clips.filter(({ index }) => !withdrawn.has(index));
}

async function hasLogs(out: string, own: readonly ListedClip[]): Promise<boolean> {
  const keys = new Set(own.map(({ key }) => `${key}.jsonl`));
  const names = await readdir(join(out, LOG_FOLDER, 'redactions')).catch((): string[] => []);
  return names.some((name) => keys.has(name));
}

/** What a run that was killed leaves of clips that were not published. */
async function removeUnfinished(
  out: string,
  { config: { part }, own }: Pick<ClipOutputOptions, 'config' | 'own'>,
): Promise<void> {
  // Beside a part of a run, others may be at work.
  const keys = new Set(own.map(({ key }) => key));
  const isOwn = (key: string): boolean => part === undefined || keys.has(key);
  for (const name of await readdir(out)) {
    const key = shardOfStaging(name);
    if (key !== undefined && isOwn(key)) await rm(join(out, name), { recursive: true, force: true });
  }
  const folder = join(out, LOG_FOLDER);
  for (const name of await readdir(join(folder, 'redactions'))) {
    const key = /^(\d+)\.jsonl\.tmp$/.exec(name)?.[1];
    if (key !== undefined && isOwn(key)) await rm(join(folder, 'redactions', name), { force: true });
  }
  if (part !== undefined) return;
  await rm(join(folder, 'SHA256SUMS'), { force: true });
  await rm(join(out, `${RUN_FILE}.tmp`), { force: true });
}
