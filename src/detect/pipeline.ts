import type { ClassName, Detection, Label, RgbImage } from '../core/types.ts';
import type { Device } from '../models/session.ts';
import { ImageLevels, Network, type NetworkSetup } from './network.ts';
import { byScore } from './nms.ts';
import { platesByShape, withoutPlates } from './plate-shape.ts';

/** Which networks look at an image and what becomes of what they find. Plain data: it may cross threads. */
export interface DetectSetup {
  readonly classes: readonly ClassName[];
  readonly networks: readonly NetworkSetup[];
  /** Plates derived from text lines; `threshold` is the least text score. */
  readonly plateShape?: { readonly id: string; readonly textModel: string; readonly threshold: number };
  /**
   * Plates and text get the same treatment: only then may one stand for the other, so that a line of
   * text is not listed twice and a sign is not counted as a plate.
   */
  readonly mergePlatesAndText: boolean;
  /** Least score by class; networks may report below it as evidence for other classes. */
  readonly thresholds: Readonly<Record<ClassName, number>>;
}

export interface Detected {
  /** Of the wanted classes, in pixels of the image, best score first. */
  readonly detections: Detection[];
  /** Milliseconds by model. */
  readonly timings: Record<string, number>;
}

/** All networks of one worker. */
export class DetectPipeline {
  readonly #setup: DetectSetup;
  readonly #networks: readonly Network[];

  private constructor(setup: DetectSetup, networks: readonly Network[]) {
    this.#setup = setup;
    this.#networks = networks;
  }

  /** @throws ModelError when a model cannot be opened. */
  static async open(setup: DetectSetup, device: Device): Promise<DetectPipeline> {
    const networks: Network[] = [];
    try {
      for (const network of setup.networks) networks.push(await Network.open(network, device));
    } catch (error) {
      await Promise.all(networks.map((n) => n.close()));
      throw error;
    }
    return new DetectPipeline(setup, networks);
  }

  /** How often each network has been run, in the order of the setup. */
  get runs(): number[] {
    return this.#networks.map((n) => n.runs);
  }

  /** Execution providers in use, such as `cpu`. */
  get providers(): string[] {
    return [...new Set(this.#networks.map((n) => n.provider))].sort();
  }

  /**
   * @param between called before each network, so that a caller can stop at a deadline by throwing.
   * @throws ModelError when a network's outputs are unusable.
   */
  async detect(image: RgbImage, between: () => void = () => {}): Promise<Detected> {
    const levels = new ImageLevels(image);
    for (const network of this.#networks) network.prefetch(levels);
    const found: Detection[] = [];
    const timings: Record<string, number> = {};
    for (const network of this.#networks) {
      between();
      const start = performance.now();
      found.push(...(await network.detect(levels)));
      timings[network.id] = performance.now() - start;
    }
    return { detections: this.#select(found), timings };
  }

  #select(found: readonly Detection[]): Detection[] {
    const { classes, plateShape, thresholds, mergePlatesAndText } = this.#setup;
    const of = (label: Label): Detection[] => found.filter((d) => d.label === label);
    let texts = of('text');
    const plates = of('plate');
    if (plateShape) {
      const lines = texts.filter((t) => t.model === plateShape.textModel);
      const vehicles = of('vehicle').map((d) => d.box);
      plates.push(...platesByShape(lines, vehicles, { ...plateShape, alone: !mergePlatesAndText }));
    }
    if (mergePlatesAndText) texts = withoutPlates(texts, plates);
    const candidates = [...of('face'), ...of('body'), ...plates, ...texts];
    return candidates
      .filter((d) => d.label !== 'vehicle' && classes.includes(d.label) && d.score >= thresholds[d.label])
      .sort(byScore);
  }

  async close(): Promise<void> {
    await Promise.all(this.#networks.map((n) => n.close()));
  }
}
