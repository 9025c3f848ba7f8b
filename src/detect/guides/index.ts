import type { Region, RgbImage } from '../../core/types.ts';
import type { Device } from '../../models/session.ts';
import { LandmarkNetwork } from './landmarks.ts';
import { PoseNetwork } from './pose.ts';

/** Files of the networks that replacements need; absent ones are not needed. Plain data: it may cross threads. */
export interface GuideSetup {
  readonly landmarks?: string;
  readonly pose?: string;
}

/** The networks that tell a replacement what to follow: pose and expression, never who it is. */
export class Guides {
  readonly #landmarks: LandmarkNetwork | undefined;
  readonly #pose: PoseNetwork | undefined;

  private constructor(landmarks: LandmarkNetwork | undefined, pose: PoseNetwork | undefined) {
    this.#landmarks = landmarks;
    this.#pose = pose;
  }

  /** @throws ModelError when a network cannot be opened. */
  static async open(setup: GuideSetup, device: Device): Promise<Guides> {
    const landmarks = setup.landmarks === undefined ? undefined : await LandmarkNetwork.open(setup.landmarks, device);
    try {
      const pose = setup.pose === undefined ? undefined : await PoseNetwork.open(setup.pose, device);
      return new Guides(landmarks, pose);
    } catch (error) {
      await landmarks?.close();
      throw error;
    }
  }

  /**
   * The regions, in the same order, with a guide where one is needed, is not there yet and could be relied on.
   * @param between called before each run of a network, so that a caller can stop at a deadline by throwing.
   * @throws ModelError when a network's outputs are unusable.
   */
  async addTo(regions: readonly Region[], image: RgbImage, between: () => void = () => {}): Promise<Region[]> {
    const guided: Region[] = [];
    for (const region of regions) {
      const network = this.#networkFor(region);
      if (network) between();
      const guide = await network?.guide(image, region.core);
      guided.push(guide ? { ...region, guide } : region);
    }
    return guided;
  }

  #networkFor(region: Region): LandmarkNetwork | PoseNetwork | undefined {
    if (region.mode !== 'synthetic' || region.guide) return undefined;
    if (region.class === 'face') return this.#landmarks;
    return region.class === 'body' ? this.#pose : undefined;
  }

  async close(): Promise<void> {
    await Promise.all([this.#landmarks?.close(), this.#pose?.close()]);
  }
}
