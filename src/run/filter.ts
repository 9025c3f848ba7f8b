import { type Config, fillConfig } from '../config.ts';
import { UsageError } from '../errors.ts';
import { countExtensions } from '../io/extensions.ts';
import { Ledger } from '../io/ledger.ts';
import { assertEmptyFolder } from '../io/output-folder.ts';
import { createSeal } from '../io/seal.ts';
import { readSecret } from '../io/secret.ts';
import { newSourceIdKey, writeSourceIdKey } from '../io/source-id-key.ts';
import type { ByteSource } from '../io/tar-archive.ts';
import { TarOutput } from '../io/tar-output.ts';
import { readTarStream, type StreamedSample } from '../io/tar-stream.ts';
import { flagOf } from '../options.ts';
import { prepareJob } from '../prepare.ts';
import type { RunHooks, RunSummary } from '../run.ts';
import { sniffClip } from '../video/sniff.ts';
import { WorkerPool } from '../worker/pool.ts';
import { chooseEncoding } from './encoding.ts';
import { FilterPump } from './filter-pump.ts';
import { untouchedNotices } from './notices.ts';
import { Tally } from './tally.ts';

/** What a filter understands; everything else speaks of folders, of a second reading or of an earlier run. */
const OPTIONS: readonly string[] = [
  'classes',
  'preset',
  'redact',
  'fill',
  'bodyFill',
  'textFill',
  'seed',
  'pseudonyms',
  'grow',
  'threshold',
  'model',
  'quality',
  'format',
  'encode',
  'jpegQuality',
  'logGeometry',
  'privateDir',
  'privatePassphraseFile',
  'privateKeyFile',
  'sourceIds',
  'workers',
  'device',
  'limitPixels',
  'timeLimit',
];

export interface FilterStreams {
  readonly input: ByteSource;
  /** Resolves when more is wanted. */
  readonly output: (bytes: Uint8Array) => Promise<void>;
}

export interface Filter {
  readonly config: Config;
  /**
   * Reads a tar archive, anonymizes its images and writes an archive of the same order. Memory is bounded: reading waits
   * for workers, and workers for the output.
   *
   * When anything fails after the first sample was written, or `hooks.signal` is aborted, the output ends in the midst
   * of a member: what came before is whole, and no reader takes it for everything.
   *
   * @throws UsageError for an archive that is damaged or hostile; ModelError; OutputError when writing fails.
   */
  run(streams: FilterStreams, hooks?: RunHooks): Promise<RunSummary>;
}

/**
 * An anonymizer between two pipes.
 *
 * @param options those of a run that make sense here. Only with `privateDir` is there a private log.
 * @throws UsageError for a wrong option.
 */
export function openFilter(options: Readonly<Record<string, unknown>>): Filter {
  const stray = Object.keys(options).find((option) => !OPTIONS.includes(option));
  if (stray !== undefined) {
    throw new UsageError(`Expected no ${flagOf(stray)} from standard input to standard output but received one`);
  }
  const config = fillConfig({ ...options, inputs: ['-'], out: '-' });
  if (config.format !== 'webdataset') {
    throw new UsageError(`Expected --format webdataset on standard output but received ${config.format}`);
  }
  const privateDir = options.privateDir === undefined ? undefined : config.privateDir;
  for (const option of ['privatePassphraseFile', 'privateKeyFile', 'sourceIds']) {
    if (privateDir === undefined && options[option]) {
      throw new UsageError(`Expected --private-dir with ${flagOf(option)} but received none`);
    }
  }
  return { config, run: (streams, hooks = {}) => filter(config, privateDir, streams, hooks) };
}

async function filter(
  config: Config,
  privateDir: string | undefined,
  { input, output }: FilterStreams,
  hooks: RunHooks,
): Promise<RunSummary> {
  if (privateDir !== undefined) await assertEmptyFolder('--private-dir', privateDir);
  const secret = privateDir === undefined ? undefined : await readSecret(config);
  const seal = secret && (await createSeal(secret));
  const sourceIdKey = config.sourceIds ? newSourceIdKey() : undefined;
  const failure = new AbortController();
  const signals = [failure.signal, ...(hooks.signal ? [hooks.signal] : [])];
  const { samples, dropped } = readTarStream(withoutClips(input), AbortSignal.any(signals));
  const seen = { total: 0, dropped };
  const tally = new Tally(seen, config);
  tally.notices.push(...untouchedNotices(config));
  const archive = new TarOutput(output);
  let pump: FilterPump | undefined;
  try {
    const first = await samples.next();
    if (!first.done) {
      const encode = encodingOf(first.value, config, tally.notices);
      const job = { ...(await prepareJob({ ...config, encode })), ...(sourceIdKey ? { sourceIdKey } : {}) };
      tally.models = job.models;
      const pool = new WorkerPool(job, { workers: config.workers });
      const hasCls = first.value.cls !== undefined;
      if (hasCls) tally.notices.push('Class indices are kept; a sample without one is not published');
      pump = new FilterPump({ config, pool, archive, tally, seen, hasCls, failure, onProgress: hooks.onProgress });
      const providers = await pool.ready();
      tally.device = providers.length > 0 ? providers : ['cpu'];
      if (privateDir !== undefined) pump.ledger = await Ledger.create(privateDir, seal);
      if (privateDir !== undefined && sourceIdKey) await writeSourceIdKey(privateDir, sourceIdKey, seal);
      hooks.onStart?.(tally.summary('finished'));
      await pump.take(first.value);
      for await (const sample of samples) await pump.take(sample);
      await pump.drain();
    }
    await archive.end();
    return tally.summary(first.done ? 'empty' : 'finished');
  } catch (cause) {
    input.cancel?.();
    // What was whole before is written, as far as it can be.
    const error = await (pump?.drain() ?? Promise.resolve()).then(
      () => cause,
      (reason: unknown) => reason,
    );
    const isCut = await archive.cut();
    if (hooks.signal?.aborted && error === hooks.signal.reason) return tally.summary('interrupted');
    if (!isCut || !(error instanceof UsageError)) throw error;
    const written = `${tally.progress().published} images were written and the output is cut off, too`;
    throw new UsageError(`${error.message.replace(/\.$/, '')}; ${written}`, { cause: error });
  } finally {
    await pump?.close();
  }
}

/** A clip is no damaged archive. */
function withoutClips(input: ByteSource): ByteSource {
  let isFirst = true;
  return {
    read: async () => {
      const bytes = await input.read();
      if (isFirst && bytes !== undefined && sniffClip(bytes) !== undefined) {
        throw new UsageError('Expected a tar archive on standard input but received a clip; --single-pass reads one');
      }
      isFirst = false;
      return bytes;
    },
  };
}

/** Nobody knows what is to come, so `keep` means the format of the first image. */
function encodingOf({ images }: StreamedSample, config: Config, notices: string[]): Config['encode'] {
  const [first] = images;
  const extensions = countExtensions(first === undefined ? [] : [first.member]);
  const encode = chooseEncoding(config, { extensions }, notices);
  if (config.encode === 'keep') notices.push(`Every image is written as ${encode}, like the first one; see --encode`);
  return encode;
}
