import { readFile } from 'node:fs/promises';
import { CLASSES, type ClassName, type Detection, type RgbImage } from '../core/types.ts';
import { SampleError } from '../errors.ts';
import type { Cluster } from '../eval/statistics.ts';
import { decodeImage } from '../image/decode.ts';
import type { Job } from '../worker/job.ts';
import type { WorkerPool } from '../worker/pool.ts';
import { coarsePixels } from './coarse-pixels.ts';
import { faceCrop } from './face-recognizer.ts';
import { type ChannelStatistics, channelStatistics } from './image-statistics.ts';
import type { ReadLine } from './legibility.ts';
import type { AttackNetworks } from './networks.ts';
import type { Photograph } from './photograph.ts';
import { attempts, plainCrops } from './reading-attempts.ts';
import { type FaceTarget, faceTargets, type StringTarget, stringTargets } from './targets.ts';
import { isUntouched } from './untouched.ts';
import { foundAgain } from './utility.ts';

/** What is known of an original before it is attacked. */
export interface MeasuredOriginal {
  readonly width: number;
  readonly height: number;
  /** What a run would redact. */
  readonly detections: readonly Detection[];
  /** The largest first. */
  readonly faces: readonly FaceTarget[];
  readonly strings: readonly StringTarget[];
  /** Plates and lines of text that were looked at. */
  readonly looked: Readonly<Record<'plate' | 'text', number>>;
  readonly statistics: ChannelStatistics;
  readonly features: Float32Array;
}

/** What is seen of it after redaction. */
export interface MeasuredRedacted {
  /** By face of the original. */
  readonly faces: readonly (Pick<FaceTarget, 'descriptor' | 'pixels'> & { readonly isUntouched: boolean })[];
  /** By string of the original. */
  readonly lines: readonly (Omit<ReadLine, 'photograph'> & Pick<StringTarget, 'class'>)[];
  readonly found: Readonly<Record<ClassName, Cluster>>;
  readonly statistics: ChannelStatistics;
  readonly features: Float32Array;
}

/** Measures photographs one by one; calls may overlap. */
export class PhotographMeasurer {
  readonly #job: Job;
  readonly #pool: Pick<WorkerPool, 'detect'>;
  readonly #networks: AttackNetworks;

  /** @param job of the operating thresholds; the pool may report below them */
  constructor(job: Job, pool: Pick<WorkerPool, 'detect'>, networks: AttackNetworks) {
    this.#job = job;
    this.#pool = pool;
    this.#networks = networks;
  }

  /** @throws SampleError when the photograph cannot be read; ModelError when a network cannot be trusted. */
  async original({ file, strings }: Photograph): Promise<MeasuredOriginal> {
    const bytes = await readFile(file).catch((cause: unknown) => {
      throw new SampleError('read', 'unreadable', 'Expected a readable file', { cause });
    });
    const { image, found } = await this.#look(bytes);
    const detections = this.#certain(found);
    const { faces, text, features } = this.#networks;
    const { targets, looked } = await stringTargets(image, detections, strings, text);
    return {
      width: image.width,
      height: image.height,
      detections,
      faces: await faceTargets(image, found, this.#job.detect.thresholds.face, faces),
      strings: targets,
      looked,
      statistics: channelStatistics(image),
      features: await features.of(image),
    };
  }

  /** @throws SampleError when it cannot be read or is of another size; ModelError when a network cannot be trusted. */
  async redacted(bytes: Uint8Array, original: MeasuredOriginal): Promise<MeasuredRedacted> {
    const { image, found } = await this.#look(bytes);
    const { width, height } = original;
    if (image.width !== width || image.height !== height) {
      const message = `Expected ${width} × ${height} pixels as in the original but received ${image.width} × ${image.height}`;
      throw new SampleError('decode', 'other-size', message);
    }
    const faces = [];
    for (const { box, crop } of original.faces) {
      const now = await faceCrop(image, box);
      const descriptor = await this.#networks.faces.describe(now);
      faces.push({ descriptor, pixels: coarsePixels(now), isUntouched: isUntouched(crop, now) });
    }
    const lines = [];
    for (const target of original.strings) lines.push(await this.#read(image, target));
    const certain = this.#certain(found);
    return {
      faces,
      lines,
      found: Object.fromEntries(CLASSES.map((cls) => [cls, foundAgain(cls, original.detections, certain)])) as Record<
        ClassName,
        Cluster
      >,
      statistics: channelStatistics(image),
      features: await this.#networks.features.of(image),
    };
  }

  async #read(image: RgbImage, target: StringTarget): Promise<MeasuredRedacted['lines'][number]> {
    const readings: string[] = [];
    for (const line of target.lines) {
      for (const crop of attempts(image, line)) readings.push((await this.#networks.text.read(crop)).text);
    }
    const now = target.lines.flatMap((line) => plainCrops(image, line).slice(0, 1));
    const untouched = target.crops.every((crop, i) => isUntouched(crop, now[i] as RgbImage));
    return { class: target.class, sources: target.sources, readings, isUntouched: untouched };
  }

  async #look(bytes: Uint8Array): Promise<{ image: RgbImage; found: readonly Detection[] }> {
    const { limitPixels, timeLimit } = this.#job;
    const image = (await decodeImage(bytes, { limitPixels, timeoutSeconds: timeLimit })).rgb;
    // A view is sent to a worker with the whole buffer below it.
    const outcome = await this.#pool.detect({ kind: 'bytes', bytes: new Uint8Array(bytes) });
    if (outcome.status === 'detected') return { image, found: outcome.detections };
    throw new SampleError(outcome.stage, outcome.reason, outcome.message);
  }

  #certain(found: readonly Detection[]): Detection[] {
    const { thresholds } = this.#job.detect;
    return found.filter(({ label, score }) => label !== 'vehicle' && score >= thresholds[label]);
  }
}
