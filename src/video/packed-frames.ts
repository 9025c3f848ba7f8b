import type { Readable } from 'node:stream';
import { withPatience } from './patience.ts';

/**
 * Cuts a stream into frames of `frameBytes` each, in fresh memory. What is left over at the end is dropped.
 * Reads no further while a frame is in use. `giveUp` is called when nothing comes for long:
 * `patience` seconds.
 */
export async function* readPackedFrames(
  stream: Readable,
  frameBytes: number,
  giveUp: () => void,
  patience?: number,
): AsyncGenerator<Uint8Array> {
  let frame = new Uint8Array(frameBytes);
  let filled = 0;
  const chunks = (stream as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  for (;;) {
    const { done, value: chunk } = await withPatience(chunks.next(), giveUp, patience);
    if (done) return;
    for (let at = 0; at < chunk.length; ) {
      const taken = Math.min(chunk.length - at, frameBytes - filled);
      frame.set(chunk.subarray(at, at + taken), filled);
      at += taken;
      filled += taken;
      if (filled < frameBytes) continue;
      yield frame;
      frame = new Uint8Array(frameBytes);
      filled = 0;
    }
  }
}
