import { join } from 'node:path';
import { decodeFrames } from '../../src/video/decode.ts';
import { openEncoder } from '../../src/video/encode.ts';
import { codecFor, joinSegments } from '../../src/video/join.ts';
import { probeClip } from '../../src/video/probe.ts';
import type { AudioMode, ClipInfo, PublishedContainer } from '../../src/video/types.ts';
import { verifyClip, verifyJoined } from '../../src/video/verify.ts';
import { LIMITS, readNumber, tools } from './clips.ts';

export interface RoundTrip {
  readonly clip: ClipInfo;
  readonly out: string;
  readonly published: ClipInfo;
}

let counter = 0;

/** Publishes a clip unredacted, in segments that begin at the given frames, and verifies it in both ways. */
export async function roundTrip(
  folder: string,
  path: string,
  container: PublishedContainer,
  { audio = 'drop', starts = [0] }: { audio?: AudioMode; starts?: readonly number[] } = {},
): Promise<RoundTrip> {
  const clip = await probeClip(tools, path, LIMITS);
  const segments: string[] = [];
  for (const [i, from] of starts.entries()) {
    const segment = join(folder, `segment-${counter++}.mkv`);
    await writeSegment(segment, clip, { from, to: starts[i + 1] ?? clip.pts.length }, container);
    segments.push(segment);
  }
  const out = join(folder, `out-${counter++}.${container}`);
  const packets = await joinSegments(tools, segments, clip, out, { container, audio });
  await verifyJoined(tools, out, clip, packets, { container, audio });
  await verifyClip(tools, out, clip, { container, audio });
  return { clip, out, published: await probeClip(tools, out, LIMITS) };
}

export async function writeSegment(
  path: string,
  clip: ClipInfo,
  range: { from: number; to: number },
  container: PublishedContainer,
): Promise<void> {
  const encoder = await openEncoder(tools, path, clip, { ...range, codec: codecFor(container) });
  for await (const { rgb } of decodeFrames(tools, clip, range)) await encoder.write(rgb);
  await encoder.close();
}

/** The numbers that the frames of a range carry, in order. */
export async function numbersOf(clip: ClipInfo, from = 0, to = clip.pts.length): Promise<number[]> {
  const numbers: number[] = [];
  for await (const { rgb } of decodeFrames(tools, clip, { from, to })) numbers.push(readNumber(rgb));
  return numbers;
}

export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}
