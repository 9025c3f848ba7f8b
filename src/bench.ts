import { readFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { planLetterbox } from './core/letterbox.ts';
import { packTensor } from './core/tensor.ts';
import { DetectPipeline } from './detect/pipeline.ts';
import { type ContainerScan, scanContainer } from './image/container.ts';
import { decodePixels } from './image/decode.ts';
import { encodeImage } from './image/encode.ts';
import { resizeImage } from './image/resize.ts';
import { openSession, type Session } from './models/session.ts';
import type { Job } from './worker/job.ts';
import { WorkerPool } from './worker/pool.ts';
import { processSample } from './worker/process.ts';

/** Images in flight per thread, in the floor as in the pipeline. */
const IN_FLIGHT = 2;

export interface BenchResult {
  readonly machine: { readonly cpu: string; readonly cores: number; readonly memoryGiB: number; readonly node: string };
  readonly images: number;
  readonly megapixels: number;
  readonly models: readonly string[];
  /** Seconds per image of decode + inference + encode alone, two images in flight on one thread. */
  readonly floor: number;
  /** Seconds per image of the whole pipeline under the same conditions. */
  readonly pipeline: number;
  /** floor / pipeline: 1 would mean that everything of our own is free. */
  readonly ofFloor: number;
  /** Images per second through the pool, by number of workers. */
  readonly pool: readonly { readonly workers: number; readonly imagesPerSecond: number; readonly speedup: number }[];
  readonly peakMemoryMiB: number;
}

/**
 * Measures one run's work against its floor, then its scaling over workers. Rounds of floor and
 * pipeline alternate, so that a slow spell of the machine hits both.
 *
 * @param files images, all of which must be readable
 * @param workers counts to measure, the first being the reference of `speedup`
 */
export async function bench(
  files: readonly string[],
  job: Job,
  options: { readonly workers: readonly number[]; readonly rounds: number },
): Promise<BenchResult> {
  const images = await Promise.all(files.map((file) => readFile(file)));
  const floor = await Floor.open(job);
  const pipeline = await DetectPipeline.open(job.detect, job.device);
  const whole = async (bytes: Uint8Array): Promise<void> => {
    const outcome = await processSample(bytes, job, pipeline);
    if (outcome.status !== 'verified')
      throw new Error(`Expected publishable images but received one: ${outcome.reason}`);
  };
  let pixels = 0;
  for (const bytes of images) {
    const before = pipeline.runs;
    await whole(bytes);
    // A second look is inference, too: the floor makes as many runs as the pipeline does.
    const runs = pipeline.runs.map((n, i) => n - (before[i] ?? 0));
    pixels += await floor.prepare(bytes, runs);
  }
  let floorMs = 0;
  let pipelineMs = 0;
  for (let round = 0; round < options.rounds; round++) {
    floorMs += await elapsed(images, IN_FLIGHT, (bytes) => floor.process(bytes));
    pipelineMs += await elapsed(images, IN_FLIGHT, whole);
  }
  await floor.close();
  await pipeline.close();

  const pool: { workers: number; imagesPerSecond: number; speedup: number }[] = [];
  const work = Array.from({ length: options.rounds }, () => images).flat();
  for (const workers of options.workers) {
    const threads = new WorkerPool(job, { workers });
    await threads.ready();
    const process = async (bytes: Uint8Array): Promise<void> => void (await threads.process({ kind: 'bytes', bytes }));
    await elapsed(images, threads.capacity, process);
    const ms = await elapsed(work, threads.capacity, process);
    await threads.close();
    const imagesPerSecond = (work.length * 1000) / ms;
    pool.push({ workers, imagesPerSecond, speedup: imagesPerSecond / (pool[0]?.imagesPerSecond ?? imagesPerSecond) });
  }
  const runs = images.length * options.rounds;
  return {
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      node: process.version,
    },
    images: images.length,
    megapixels: pixels / 1e6 / images.length,
    models: job.models,
    floor: floorMs / 1000 / runs,
    pipeline: pipelineMs / 1000 / runs,
    ofFloor: floorMs / pipelineMs,
    pool,
    peakMemoryMiB: Math.round(process.resourceUsage().maxRSS / 1024),
  };
}

/** Decode, the networks' bare runs on tensors made beforehand, encode: what no pipeline can do without. */
class Floor {
  readonly #job: Job;
  readonly #sessions: readonly Session[];
  readonly #prepared = new Map<
    Uint8Array,
    { scan: ContainerScan; tensors: { data: Float32Array; shape: number[]; runs: number }[] }
  >();

  private constructor(job: Job, sessions: readonly Session[]) {
    this.#job = job;
    this.#sessions = sessions;
  }

  static async open(job: Job): Promise<Floor> {
    const { networks } = job.detect;
    return new Floor(job, await Promise.all(networks.map((n) => openSession(n.model.path, n.model.id, job.device))));
  }

  /** Makes the tensors of one image, each to be run as often as `runs` says, and returns its number of pixels. */
  async prepare(bytes: Uint8Array, runs: readonly number[]): Promise<number> {
    const scan = scanContainer(bytes);
    const { rgb } = await this.#decode(bytes, scan);
    const tensors: { data: Float32Array; shape: number[]; runs: number }[] = [];
    for (const [i, { model }] of this.#job.detect.networks.entries()) {
      const lb = planLetterbox(rgb.width, rgb.height, model.input);
      const data = new Float32Array(lb.width * lb.height * 3);
      packTensor(await resizeImage(rgb, lb.contentWidth, lb.contentHeight), lb, model.input, data);
      tensors.push({ data, shape: [1, 3, lb.height, lb.width], runs: runs[i] ?? 1 });
    }
    this.#prepared.set(bytes, { scan, tensors });
    await this.process(bytes);
    return rgb.width * rgb.height;
  }

  async process(bytes: Uint8Array): Promise<void> {
    const prepared = this.#prepared.get(bytes);
    if (!prepared) throw new Error('Expected an image that was prepared');
    const { scan, tensors } = prepared;
    const image = await this.#decode(bytes, scan);
    for (const [i, { data, shape, runs }] of tensors.entries()) {
      for (let n = 0; n < runs; n++) await this.#sessions[i]?.run(data, shape);
    }
    const { encode, jpegQuality } = this.#job;
    const format = encode === 'keep' ? scan.format : encode;
    await encodeImage(image, { format, jpegQuality, lossless: scan.lossless });
  }

  /** The codec alone, without the checks that come with `decodeImage`. */
  #decode(bytes: Uint8Array, scan: ContainerScan): ReturnType<typeof decodePixels> {
    return decodePixels(bytes, scan, { limitPixels: this.#job.limitPixels, timeoutSeconds: this.#job.timeLimit });
  }

  async close(): Promise<void> {
    await Promise.all(this.#sessions.map((s) => s.release()));
  }
}

/** Milliseconds to work through `items` with at most `inFlight` of them started at a time. */
async function elapsed<T>(items: readonly T[], inFlight: number, work: (item: T) => Promise<void>): Promise<number> {
  const start = performance.now();
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let i = next++; i < items.length; i = next++) await work(items[i] as T);
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return performance.now() - start;
}
