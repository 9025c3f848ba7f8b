import { readFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { type ContainerScan, scanContainer } from './image/container.ts';
import { decodePixels } from './image/decode.ts';
import { encodeImage } from './image/encode.ts';
import { openSession, type Session } from './models/session.ts';
import type { Job } from './worker/job.ts';
import { Networks } from './worker/networks.ts';
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
  const networks = await Networks.open(job);
  const pipeline = networks.detect;
  const whole = async (bytes: Uint8Array): Promise<void> => {
    const outcome = await processSample(bytes, job, networks);
    if (outcome.status !== 'verified')
      throw new Error(`Expected publishable images but received one: ${outcome.reason}`);
  };
  let pixels = 0;
  for (const bytes of images) {
    const before = pipeline.runs;
    await whole(bytes);
    // A second look is inference, too: the floor makes the runs that the pipeline makes.
    const runs = pipeline.runs.map((counts, i) =>
      [...counts].flatMap(([shape, n]) => {
        const times = n - (before[i]?.get(shape) ?? 0);
        return times > 0 ? [{ shape: shape.split(',').map(Number), times }] : [];
      }),
    );
    pixels += await floor.prepare(bytes, runs);
  }
  let floorMs = 0;
  let pipelineMs = 0;
  for (let round = 0; round < options.rounds; round++) {
    floorMs += await elapsed(images, IN_FLIGHT, (bytes) => floor.process(bytes));
    pipelineMs += await elapsed(images, IN_FLIGHT, whole);
  }
  await floor.close();
  await networks.close();

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
    { scan: ContainerScan; runs: { session: Session; data: Float32Array; shape: number[]; times: number }[] }
  >();

  private constructor(job: Job, sessions: readonly Session[]) {
    this.#job = job;
    this.#sessions = sessions;
  }

  static async open(job: Job): Promise<Floor> {
    const { networks } = job.detect;
    return new Floor(job, await Promise.all(networks.map((n) => openSession(n.model.path, n.model.id, job.device))));
  }

  /**
   * Makes the tensors of one image, filled with it from the first pixel on, and returns its number of pixels.
   * @param shapes by network: input shapes and how often each is to be run.
   */
  async prepare(
    bytes: Uint8Array,
    shapes: readonly (readonly { readonly shape: number[]; readonly times: number }[])[],
  ): Promise<number> {
    const scan = scanContainer(bytes);
    const { rgb } = await this.#decode(bytes, scan);
    const runs = this.#sessions.flatMap((session, i) =>
      (shapes[i] ?? []).map(({ shape, times }) => {
        const data = new Float32Array(shape.reduce((product, n) => product * n, 1));
        // Networks take as long for one picture as for another.
        for (let at = 0; at < data.length; at++) data[at] = rgb.data[at % rgb.data.length] as number;
        return { session, data, shape, times };
      }),
    );
    this.#prepared.set(bytes, { scan, runs });
    await this.process(bytes);
    return rgb.width * rgb.height;
  }

  async process(bytes: Uint8Array): Promise<void> {
    const prepared = this.#prepared.get(bytes);
    if (!prepared) throw new Error('Expected an image that was prepared');
    const { scan, runs } = prepared;
    const image = await this.#decode(bytes, scan);
    for (const { session, data, shape, times } of runs) {
      for (let n = 0; n < times; n++) await session.run(data, shape);
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
