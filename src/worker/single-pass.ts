import type { MessagePort } from 'node:worker_threads';
import type { RejectedOutcome } from '../core/outcome.ts';
import type { ClassName } from '../core/types.ts';
import { ModelError, SampleError } from '../errors.ts';
import { type ArrivingClip, type ClipSource, openArriving } from '../video/arriving.ts';
import { type ClipSink, openStreamEncoder } from '../video/encode-stream.ts';
import { findFfmpeg } from '../video/tools.ts';
import { type DescribedClip, type FfmpegTools, PUBLISHED_CONTAINERS, type PublishedContainer } from '../video/types.ts';
import { streamsOver } from './byte-port.ts';
import { attempt, type StoppedSegment } from './clip.ts';
import { ClipPass, type UsedNetworks } from './clip-pass.ts';
import type { Job } from './job.ts';
import { checkNoted, openNotes } from './pass-notes.ts';

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
  /** Two counters that the other side reads and writes meanwhile: half frames written, and whether to stop (1). */
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
      if (isStopped(task) && !(error instanceof ModelError)) return { status: 'stopped' };
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

/** Frames that wait hold at most as many bytes, whatever a header says of their size. */
const MOST_HELD_BYTES = 4 * 2 ** 30;

function checkHeld({ width, height }: DescribedClip, { lookAhead }: SinglePass): void {
  if (3 * width * height * (lookAhead + 1) <= MOST_HELD_BYTES) return;
  const message = `Expected ${lookAhead + 1} frames that fit into 4 GiB together but received ${width} × ${height}`;
  throw new SampleError('decode', 'too-many-pixels', message);
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
  checkHeld(clip, task);
  const container = task.container === 'keep' ? ownContainer(clip) : task.container;
  const notes = files && (await openNotes(files));
  const encoder = openStreamEncoder(tools, clip, { container, rate, sink });
  const pass = new ClipPass(task, job, networks, arriving, encoder, notes);
  try {
    for await (const picture of arriving.frames()) {
      if (isStopped(task)) break;
      await pass.take(picture);
    }
    if (!isStopped(task)) {
      await pass.end();
      await encoder.close();
      if (files && notes) await checkNoted(tools, files.out, notes, pass.frames);
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
    await notes?.close();
  }
}
