import { open } from 'node:fs/promises';
import { SampleError } from '../errors.ts';
import { assertResembles } from '../video/check-segment.ts';
import { type Glance, glanceAt } from '../video/cuts.ts';
import { decodeFrames } from '../video/decode.ts';
import { probeClip } from '../video/probe.ts';
import type { FfmpegTools } from '../video/types.ts';
import type { ClipRegion } from './clip.ts';

/** What is remembered of the frames of a clip until it is published, on disk: it may be long. */
export interface PassNotes {
  /** The next frame: what was redacted in it, and how it looks from afar. */
  add(regions: readonly ClipRegion[], redacted: Glance): Promise<void>;
  /** @param length cells times channels. */
  glanceAt(frame: number, length: number): Promise<Glance>;
  close(): Promise<void>;
}

/** @param files where to: 0600. `regions` gets a JSON line for each frame. */
export async function openNotes(files: { readonly regions: string; readonly glances: string }): Promise<PassNotes> {
  const regions = await open(files.regions, 'w', 0o600);
  const glances = await open(files.glances, 'w+', 0o600);
  return {
    async add(redactedRegions, redacted) {
      await regions.appendFile(`${JSON.stringify(redactedRegions)}\n`);
      await glances.appendFile(Uint8Array.from(redacted, Math.round));
    },
    async glanceAt(frame, length) {
      const bytes = new Uint8Array(length);
      const { bytesRead } = await glances.read(bytes, 0, length, frame * length);
      if (bytesRead < length) throw new Error(`Expected a glance at frame ${frame} but there is none`);
      return Float64Array.from(bytes);
    },
    async close() {
      await regions.close();
      await glances.close();
    },
  };
}

/** @throws SampleError (`verify`) when a frame of the file does not look like the redacted one that it was made from. */
export async function checkNoted(tools: FfmpegTools, file: string, notes: PassNotes, frames: number): Promise<void> {
  const encoded = await probeClip(tools, file, { limitPixels: 1e9, limitFrames: frames, timeoutSeconds: 3600 });
  if (encoded.pts.length !== frames) {
    throw new SampleError('verify', 'clip-differs', `Expected ${frames} frames but received ${encoded.pts.length}`);
  }
  for await (const { index, rgb } of decodeFrames(tools, encoded, { from: 0, to: frames })) {
    const glance = glanceAt(rgb);
    assertResembles(index, glance, await notes.glanceAt(index, glance.length));
  }
}
