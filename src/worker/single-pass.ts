import { type FileHandle, open } from 'node:fs/promises';
import type { MessagePort } from 'node:worker_threads';
import type { RejectedOutcome } from '../core/outcome.ts';
import type { ClassName, Detection } from '../core/types.ts';
import { SampleError } from '../errors.ts';
import { redactInPlace } from '../redact/apply.ts';
import { CellMemory } from '../redact/cell-memory.ts';
import { planRegions } from '../redact/plan.ts';
import { type ArrivedPicture, type ArrivingClip, type ClipSource, openArriving } from '../video/arriving.ts';
import { changeSince, type Glance, glanceAt, LOOK_BACK, mayBeCut } from '../video/cuts.ts';
import { decodeFrames } from '../video/decode.ts';
import { type ClipSink, openStreamEncoder, type StreamEncoder } from '../video/encode-stream.ts';
import { probeClip } from '../video/probe.ts';
import { findFfmpeg } from '../video/tools.ts';
import { TrackWindow } from '../video/tracks/window.ts';
import { type DescribedClip, type FfmpegTools, PUBLISHED_CONTAINERS, type PublishedContainer } from '../video/types.ts';
import { streamsOver } from './byte-port.ts';
import { attempt, clipRegion, type StoppedSegment } from './clip.ts';
import type { Job } from './job.ts';
import type { Networks } from './networks.ts';
import { StageClock } from './stage-clock.ts';

/** A clip that is read, redacted and written in one go. */
export interface SinglePass {
  /** A file to a file; otherwise one stream to another, over `port`. */
  readonly files?: SinglePassFiles;
  readonly port?: MessagePort;
  /** `keep`: that of the source, or Matroska. */
  readonly container: PublishedContainer | 'keep';
  /** Every how many frames somebody looks; possible cuts in any case. */
  readonly every: number;
  /** Least scores at which a track begins. The job reports weaker candidates, too. */
  readonly thresholds: Readonly<Record<ClassName, number>>;
  /** Frames that must have arrived after a frame before it is redacted. */
  readonly lookAhead: number;
  /** Decides replacements, with the job's seed and the track. */
  readonly group: number;
  /** Two counters that the other side reads and writes meanwhile: frames written, and whether to stop (1). */
  readonly counters: SharedArrayBuffer;
}

export interface SinglePassFiles {
  readonly source: string;
  readonly out: string;
  /** Gets what was redacted in each frame, a JSON line each. Not for others: 0600. */
  readonly regions: string;
  /** Gets how each redacted frame looks from afar, to be compared with what was encoded. 0600. */
  readonly glances: string;
  readonly limitFrames: number;
}

export interface PassedClip {
  readonly status: 'passed';
  readonly clip: DescribedClip;
  /** Things that were seen. */
  readonly counts: Readonly<Record<ClassName, number>>;
  /** Ticks of every frame, and from the first one to the end of the last; of files only. */
  readonly times?: { readonly pts: readonly number[]; readonly duration: number };
}

type UsedNetworks = Pick<Networks, 'detect' | 'guides'> & Partial<Pick<Networks, 'faces'>>;

/**
 * A clip from beginning to end: every frame is looked at when it arrives, waits until `lookAhead` more have, and is
 * redacted by what all these show, then encoded. No more than `lookAhead` + 1 frames are held at a time; the decoder
 * waits for the encoder, and the encoder for whoever takes its bytes.
 *
 * Nothing is written after a frame that fails. When somebody asks to stop, a stream ends with the last frame that was
 * redacted, as a whole clip; a file is removed.
 *
 * @throws ModelError when a network cannot be trusted any more; UsageError without ffmpeg.
 */
export async function singlePass(
  task: SinglePass,
  job: Job,
  networks: UsedNetworks,
): Promise<PassedClip | StoppedSegment | RejectedOutcome> {
  return attempt('redact', async () => {
    const tools = await findFfmpeg();
    try {
      const { source, sink } = endsOf(task);
      const arriving = await openArriving(tools, source, { limitPixels: job.limitPixels }).catch(unreadable);
      return await passThrough(task, job, networks, { tools, arriving, sink });
    } catch (error) {
      if (isStopped(task)) return { status: 'stopped' };
      throw error;
    } finally {
      task.port?.close();
    }
  });
}

function endsOf({ files, port }: SinglePass): { readonly source: ClipSource; readonly sink: ClipSink } {
  if (files) return { source: { kind: 'file', path: files.source }, sink: { kind: 'file', path: files.out } };
  if (port === undefined) throw new Error('Expected files or a port');
  const streams = streamsOver(port);
  return { source: { kind: 'stream', bytes: streams }, sink: { kind: 'stream', write: streams.write } };
}

function isStopped({ counters }: SinglePass): boolean {
  return Atomics.load(new Int32Array(counters), 1) === 1;
}

function ownContainer({ container }: DescribedClip): PublishedContainer {
  return PUBLISHED_CONTAINERS.find((known) => known === container) ?? 'mkv';
}

function unreadable(error: unknown): never {
  const { code } = error as NodeJS.ErrnoException;
  if (error instanceof SampleError || code === undefined) throw error;
  throw new SampleError('read', 'unreadable', `Expected a readable file but received ${code}`, { cause: error });
}

interface Opened {
  readonly tools: FfmpegTools;
  readonly arriving: ArrivingClip;
  readonly sink: ClipSink;
}

async function passThrough(
  task: SinglePass,
  job: Job,
  networks: UsedNetworks,
  { tools, arriving, sink }: Opened,
): Promise<PassedClip | StoppedSegment> {
  const { files } = task;
  const { clip, rate } = arriving;
  const container = task.container === 'keep' ? ownContainer(clip) : task.container;
  const notes = files && (await openNotes(files));
  const encoder = openStreamEncoder(tools, clip, { container, rate, sink });
  const pass = new Pass(task, job, networks, arriving, encoder, notes);
  try {
    for await (const picture of arriving.frames()) {
      if (isStopped(task)) break;
      await pass.take(picture);
    }
    if (!isStopped(task)) {
      await pass.end();
      await encoder.close();
      if (files && notes) await checkEncoded(tools, files, notes.glances, pass.frames);
      return { status: 'passed', clip, counts: pass.counts, ...(files && { times: pass.times }) };
    }
    if (files === undefined && pass.frames > 0) await encoder.close();
    else await encoder.abort();
    return { status: 'stopped' };
  } catch (error) {
    // Somebody who asks to stop ends the stream that comes in wherever it is.
    if (isStopped(task) && files === undefined && pass.frames > 0 && error instanceof SampleError) {
      await encoder.close();
    } else await encoder.abort();
    throw error;
  } finally {
    await notes?.regions.close();
    await notes?.glances.close();
  }
}

interface Notes {
  readonly regions: FileHandle;
  readonly glances: FileHandle;
}

async function openNotes({ regions, glances }: SinglePassFiles): Promise<Notes> {
  return { regions: await open(regions, 'w', 0o600), glances: await open(glances, 'w+', 0o600) };
}

/** A frame that waits for those after it. */
interface HeldFrame extends ArrivedPicture {
  readonly isLookedAt: boolean;
}

/** One clip on its way. */
class Pass {
  /** Frames that are written. */
  frames = 0;
  readonly #task: SinglePass;
  readonly #job: Job;
  readonly #networks: UsedNetworks;
  readonly #encoder: StreamEncoder;
  readonly #notes: Notes | undefined;
  readonly #window: TrackWindow;
  readonly #memory = new CellMemory();
  readonly #state: Int32Array;
  readonly #held: HeldFrame[] = [];
  readonly #pts: number[] = [];
  #glances: Glance[] = [];
  #first: number | undefined;
  /** Ticks for which the latest frame that was written is shown. */
  #shown: number;

  constructor(
    task: SinglePass,
    job: Job,
    networks: UsedNetworks,
    { clip, rate }: ArrivingClip,
    encoder: StreamEncoder,
    notes: Notes | undefined,
  ) {
    this.#task = task;
    this.#job = job;
    this.#networks = networks;
    this.#encoder = encoder;
    this.#notes = notes;
    this.#state = new Int32Array(task.counters);
    this.#window = new TrackWindow(clip, { thresholds: task.thresholds, detectEvery: task.every });
    this.#shown = Math.max(1, Math.round((rate.den * clip.timeBase.den) / (rate.num * clip.timeBase.num)));
  }

  get counts(): Readonly<Record<ClassName, number>> {
    return this.#window.counts;
  }

  get times(): { pts: readonly number[]; duration: number } {
    const [first = 0] = this.#pts;
    return { pts: this.#pts, duration: (this.#pts.at(-1) ?? 0) - first + this.#shown };
  }

  /** Looks at a frame that has arrived, and writes the one that has waited long enough. */
  async take(picture: ArrivedPicture): Promise<void> {
    const { index, pts, rgb } = picture;
    const limit = this.#task.files?.limitFrames ?? Infinity;
    if (index >= limit) throw new SampleError('decode', 'too-many-frames', `Expected at most ${limit} frames`);
    const glance = glanceAt(rgb);
    const change = changeSince(index, glance, this.#glances);
    this.#glances = [glance, ...this.#glances].slice(0, LOOK_BACK);
    const isLookedAt = index % this.#task.every === 0 || mayBeCut(change);
    const detections = isLookedAt ? await this.#lookAt(picture) : undefined;
    this.#window.push({ ...change, pts, ...(detections && { detections }) });
    this.#held.push({ ...picture, isLookedAt });
    if (this.#held.length > this.#task.lookAhead) await this.#write();
  }

  /** No more frames come. */
  async end(): Promise<void> {
    const last = this.#held.at(-1);
    this.#window.end(last && !last.isLookedAt ? await this.#lookAt(last) : undefined);
    while (this.#held.length > 0) await this.#write();
  }

  async #lookAt({ rgb }: ArrivedPicture): Promise<readonly Detection[]> {
    const clock = new StageClock(this.#job.timeLimit);
    clock.enter('detect');
    return (await this.#networks.detect.detect(rgb, () => clock.check())).detections;
  }

  async #write(): Promise<void> {
    const { index, pts, rgb } = this.#held.shift() as HeldFrame;
    const { policy, fill, bodyFill, textFill, seed, timeLimit, logGeometry } = this.#job;
    const { guides, faces } = this.#networks;
    const { width, height } = rgb;
    const clock = new StageClock(timeLimit);
    clock.enter('redact');
    const covered = this.#window.cover(index);
    const followed = covered.map(({ track, class: label, box }) => ({ label, box, score: 1, model: 'track', track }));
    const planned = planRegions(followed, policy, width, height);
    this.#memory.next();
    const guided = await guides.addTo(planned, rgb, () => clock.check());
    const look = { fill, bodyFill, textFill, ...(faces ? { faces } : {}), seed: [seed, this.#task.group] };
    const regions = redactInPlace({ rgb }, guided, { ...look, memory: this.#memory });
    clock.check();
    if (this.#notes !== undefined) {
      const seen = new Set(covered.filter((box) => box.seen).map(({ track }) => track));
      const lines = regions.map((region) => clipRegion(region, seen, logGeometry, width, height));
      await this.#notes.regions.appendFile(`${JSON.stringify(lines)}\n`);
      await this.#notes.glances.appendFile(Uint8Array.from(glanceAt(rgb), Math.round));
      this.#pts.push(pts);
    }
    this.#first ??= pts;
    this.#shown = (this.#held[0]?.pts ?? pts + this.#shown) - pts;
    await this.#encoder.write(rgb, { at: pts - this.#first, duration: this.#shown });
    this.frames++;
    Atomics.add(this.#state, 0, 1);
  }
}

/** Most that the mean colours of a frame may change by encoding, 0…255. */
const RESEMBLES = 12;

/** @throws SampleError (`verify`) when a frame of the file does not look like the redacted one that it was made from. */
async function checkEncoded(
  tools: FfmpegTools,
  { out }: SinglePassFiles,
  glances: FileHandle,
  frames: number,
): Promise<void> {
  const encoded = await probeClip(tools, out, { limitPixels: 1e9, limitFrames: frames, timeoutSeconds: 3600 });
  if (encoded.pts.length !== frames) {
    throw new SampleError('verify', 'clip-differs', `Expected ${frames} frames but received ${encoded.pts.length}`);
  }
  for await (const { index, rgb } of decodeFrames(tools, encoded, { from: 0, to: frames })) {
    const glance = glanceAt(rgb);
    const redacted = new Uint8Array(glance.length);
    await glances.read(redacted, 0, redacted.length, index * redacted.length);
    const [difference = 0] = changeSince(index, glance, [Float64Array.from(redacted)]).differences;
    if (difference <= RESEMBLES) continue;
    const message = `Expected an encoded frame like the redacted one but its colours differ by ${difference}`;
    throw new SampleError('verify', 'clip-differs', message);
  }
}
