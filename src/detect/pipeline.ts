import type { ClassName, Detection, Label, RgbImage } from '../core/types.ts';
import type { Device } from '../models/session.ts';
import type { Sightings } from './fuse.ts';
import { ImageLevels } from './levels.ts';
import { Network, type NetworkSetup } from './network.ts';
import { byScore } from './nms.ts';
import { platesByShape, withoutPlates } from './plate-shape.ts';
import { LEAST_EVIDENCE, partsToSearch } from './second-look.ts';

/** Which networks look at an image and what becomes of what they find. Plain data: it may cross threads. */
export interface DetectSetup {
  readonly classes: readonly ClassName[];
  readonly networks: readonly NetworkSetup[];
  /** Classes that are searched again where something else was found, such as plates on vehicles. */
  readonly searches: readonly { readonly label: ClassName; readonly evidence: Label }[];
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

/**
 * The same setup, reporting from a share (0…1) of each least score on, plates and text apart: neither stands for the
 * other where weaker candidates count, too.
 */
export function reportingFrom(setup: DetectSetup, share: number): DetectSetup {
  const { face, body, plate, text } = setup.thresholds;
  const { plateShape } = setup;
  return {
    ...setup,
    thresholds: { face: face * share, body: body * share, plate: plate * share, text: text * share },
    mergePlatesAndText: false,
    ...(plateShape ? { plateShape: { ...plateShape, threshold: plateShape.threshold * share } } : {}),
  };
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

  /** How often each network has been run, by input shape (`1,3,480,640`), in the order of the setup. */
  get runs(): ReadonlyMap<string, number>[] {
    return this.#networks.map((n) => new Map(n.runs));
  }

  /** Execution providers in use, such as `cpu`. */
  get providers(): string[] {
    return [...new Set(this.#networks.map((n) => n.provider))].sort();
  }

  /**
   * @param between called before each run of a network, so that a caller can stop at a deadline by throwing.
   * @throws ModelError when a network's outputs are unusable.
   */
  async detect(image: RgbImage, between: () => void = () => {}): Promise<Detected> {
    const levels = new ImageLevels(image, between);
    for (const network of this.#networks) network.prefetch(levels);
    const timings: Record<string, number> = {};
    const timed = async (network: Network, work: () => Promise<Sightings>): Promise<Sightings> => {
      const start = performance.now();
      const result = await work();
      timings[network.id] = (timings[network.id] ?? 0) + performance.now() - start;
      return result;
    };
    const seen = new Map<Network, Sightings[]>();
    for (const network of this.#networks) seen.set(network, [await timed(network, () => network.look(levels))]);
    const all = (): Detection[] => [...seen].flatMap(([network, sightings]) => network.fuse(...sightings));
    for (const { label, evidence } of this.#setup.searches) {
      const network = this.#networks[this.#setup.networks.findIndex((n) => n.keep[label] !== undefined)];
      if (!network) continue;
      const parts = partsToSearch(
        all().filter((d) => d.label === evidence),
        (part) => network.scaleFor(part),
        network.scaleOfWhole(levels),
      );
      if (parts.length > 0) seen.get(network)?.push(await timed(network, () => network.searchIn(levels, parts)));
    }
    return { detections: this.#select(all()), timings };
  }

  #select(found: readonly Detection[]): Detection[] {
    const { classes, plateShape, thresholds, mergePlatesAndText } = this.#setup;
    const of = (label: Label): Detection[] => found.filter((d) => d.label === label);
    // Only what will be redacted may stand for something else.
    const certain = (cls: ClassName): Detection[] =>
      classes.includes(cls) ? of(cls).filter((d) => d.score >= thresholds[cls]) : [];
    const plates = certain('plate');
    if (plateShape) {
      const lines = of('text').filter((t) => t.model === plateShape.textModel);
      const vehicles = of('vehicle').filter((d) => d.score >= LEAST_EVIDENCE);
      plates.push(
        ...platesByShape(
          lines,
          vehicles.map((d) => d.box),
          { ...plateShape, alone: !mergePlatesAndText },
        ),
      );
    }
    const texts = mergePlatesAndText ? withoutPlates(certain('text'), plates) : certain('text');
    return [...certain('face'), ...certain('body'), ...plates, ...texts].sort(byScore);
  }

  async close(): Promise<void> {
    await Promise.all(this.#networks.map((n) => n.close()));
  }
}
