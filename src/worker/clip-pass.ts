import type { ClassName, Detection } from '../core/types.ts';
import { SampleError } from '../errors.ts';
import { redactInPlace } from '../redact/apply.ts';
import { CellMemory } from '../redact/cell-memory.ts';
import { planRegions } from '../redact/plan.ts';
import type { ArrivedPicture, ArrivingClip } from '../video/arriving.ts';
import { changeSince, type Glance, glanceAt, LOOK_BACK, mayBeCut } from '../video/cuts.ts';
import type { StreamEncoder } from '../video/encode-stream.ts';
import { TrackWindow } from '../video/tracks/window.ts';
import { clipRegion, type FrameCover, withLooks } from './clip.ts';
import type { Job } from './job.ts';
import type { Networks } from './networks.ts';
import type { PassNotes } from './pass-notes.ts';
import { PosesAhead } from './poses-ahead.ts';
import type { SinglePass } from './single-pass.ts';
import { StageClock } from './stage-clock.ts';

export type UsedNetworks = Pick<Networks, 'detect' | 'guides'> & Partial<Pick<Networks, 'faces'>>;

/** A frame that waits for those after it. */
interface HeldFrame extends ArrivedPicture {
  readonly isLookedAt: boolean;
}

/** One clip on its way: frames are looked at, wait, are redacted and written. */
export class ClipPass {
  /** Frames that are written. */
  frames = 0;
  readonly #task: SinglePass;
  readonly #job: Job;
  readonly #networks: UsedNetworks;
  readonly #encoder: StreamEncoder;
  readonly #notes: PassNotes | undefined;
  readonly #window: TrackWindow;
  readonly #poses: PosesAhead;
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
    notes: PassNotes | undefined,
  ) {
    this.#task = task;
    this.#job = job;
    this.#networks = networks;
    this.#poses = new PosesAhead(job, networks);
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
    const frame = this.#held.shift() as HeldFrame;
    const { index, pts, rgb } = frame;
    const { policy, fill, bodyFill, textFill, seed, timeLimit, logGeometry } = this.#job;
    const { guides, faces } = this.#networks;
    const { width, height } = rgb;
    const clock = new StageClock(timeLimit);
    clock.enter('redact');
    const covered = this.#window.cover(index);
    const lookOf = await this.#poses.lookIn([frame, ...this.#held], this.#window);
    const followed = covered.map(({ track, class: label, box, seen }): FrameCover => {
      const look = lookOf(label, track);
      return { detection: { label, box, score: 1, model: 'track', track }, seen, ...(look && { look }) };
    });
    const detections = followed.map(({ detection }) => detection);
    const planned = withLooks(planRegions(detections, policy, width, height), followed);
    this.#memory.next();
    const guided = await guides.addTo(planned, rgb, () => clock.check());
    const look = { fill, bodyFill, textFill, ...(faces ? { faces } : {}), seed: [seed, this.#task.group] };
    const regions = redactInPlace({ rgb }, guided, { ...look, memory: this.#memory });
    clock.check();
    if (this.#notes !== undefined) {
      const seen = new Set(covered.filter((box) => box.seen).map(({ track }) => track));
      const lines = regions.map((region) => clipRegion(region, seen, logGeometry, width, height));
      await this.#notes.add(lines, glanceAt(rgb));
      this.#pts.push(pts);
    }
    this.#first ??= pts;
    this.#shown = (this.#held[0]?.pts ?? pts + this.#shown) - pts;
    await this.#encoder.write(rgb, { at: pts - this.#first, duration: this.#shown });
    this.frames++;
    // In two passes it is counted once it was looked at, and again here.
    Atomics.add(this.#state, 0, 2);
  }
}
