import type { Seal } from '../../io/seal.ts';
import { ShardPlan } from '../../io/shard-plan.ts';
import type { Sink } from '../../io/sink.ts';
import type { ListedClip } from '../list.ts';
import { workOf } from './clips.ts';
import type { ClipFrames } from './plan.ts';
import { segmentsOf } from './redact.ts';
import type { FrameSamples } from './samples.ts';
import type { FrameConfig } from './settings.ts';
import { FrameStore } from './store.ts';

export interface FramesToPublish {
  readonly config: FrameConfig;
  readonly clips: readonly ListedClip[];
  /** What each clip gives. */
  readonly frames: readonly ClipFrames[];
  readonly samples: FrameSamples;
  readonly sink: Sink;
  /** What the private folder is encrypted with, if it is. */
  readonly seal: Seal | undefined;
  readonly onWritten: (record: Awaited<ReturnType<Sink['write']>>) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes the wanted images of all clips into the sink, in order. The images of a clip are removed from its private folder
 * once the shards that hold them are whole; what was detected stays.
 *
 * @returns false when the signal was aborted meanwhile.
 * @throws OutputError
 */
export async function publishFrames(work: FramesToPublish): Promise<boolean> {
  const { clips, config, frames, samples, seal, sink, onWritten, signal } = work;
  const plan = new ShardPlan({ total: samples.total, samplesPerShard: config.samplesPerShard });
  let stored = 0;
  /** @param end all samples before it are written. */
  const removePublished = async (end: number): Promise<void> => {
    const whole = end === samples.total ? end : plan.startOf(plan.shardOf(end));
    for (; stored < clips.length && samples.startOf(stored + 1) <= whole; stored++) {
      await removeImages(
        new FrameStore(workOf(config, clips[stored] as ListedClip), seal),
        frames[stored] as ClipFrames,
      );
    }
  };
  for (const clip of clips) {
    const outcome = frames[clip.index] as ClipFrames;
    const start = samples.startOf(clip.index);
    if ('status' in outcome) {
      if (sink.wants(start)) onWritten(await sink.write({ sample: samples.at(start), outcome }));
      continue;
    }
    const store = new FrameStore(workOf(config, clip), seal);
    let index = start;
    for (const [segment, own] of segmentsOf(outcome.frames)) {
      const indices = new Map(own.map((frame, i) => [frame, index + i]));
      index += own.length;
      const isWanted = (frame: number): boolean => sink.wants(indices.get(frame) as number);
      if (!own.some(isWanted)) continue;
      for await (const image of store.images(segment, isWanted)) {
        if (signal?.aborted) return false;
        const sample = samples.at(indices.get(image.frame) as number);
        onWritten(await sink.write({ sample, outcome: image.outcome }));
      }
    }
    await removePublished(index);
  }
  await removePublished(samples.total);
  return true;
}

async function removeImages(store: FrameStore, outcome: ClipFrames): Promise<void> {
  if ('status' in outcome) return;
  for (const segment of segmentsOf(outcome.frames).keys()) await store.remove(segment);
}
