import { boxArea, iou } from '../core/geometry.ts';
import { boxToImage, type Letterbox, planLetterbox, pointToImage, shrinkLetterbox } from '../core/letterbox.ts';
import { packTensor } from '../core/tensor.ts';
import type { Detection, Label, RgbImage } from '../core/types.ts';
import { resizeImage } from '../image/resize.ts';
import type { Device } from '../models/session.ts';
import { openSession, type Session } from '../models/session.ts';
import type { ReadyModel } from '../models/store.ts';
import { Outputs } from './decoder.ts';
import { DECODERS } from './families/index.ts';
import { byScore, nms } from './nms.ts';

/** IoU from which two looks saw the same object. */
const SAME_OBJECT = 0.3;

/** One image and its scaled copies, shared by the networks that look at it. */
export class ImageLevels {
  readonly image: RgbImage;
  readonly #scaled = new Map<string, Promise<RgbImage>>();

  constructor(image: RgbImage) {
    this.image = image;
  }

  /** The image at `width` × `height` pixels; the same sizes are scaled once. */
  scaledTo(width: number, height: number): Promise<RgbImage> {
    const key = `${width}x${height}`;
    let scaled = this.#scaled.get(key);
    if (!scaled) {
      scaled = resizeImage(this.image, width, height);
      // Awaited by whoever asks; until then a rejection must not count as unhandled.
      scaled.catch(() => {});
      this.#scaled.set(key, scaled);
    }
    return scaled;
  }
}

/** What a network is asked for: least score by label. */
export interface NetworkSetup {
  readonly model: ReadyModel;
  readonly keep: Readonly<Partial<Record<Label, number>>>;
}

/** One opened network: letterbox → run → decode → NMS → pixels of the image; a second look where the model asks for it. */
export class Network {
  readonly id: string;
  readonly provider: string;
  /** How often the network has been run. */
  runs = 0;
  readonly #setup: NetworkSetup;
  readonly #session: Session;
  #tensor = new Float32Array(0);
  #busy: Promise<unknown> = Promise.resolve();

  private constructor(setup: NetworkSetup, session: Session) {
    this.id = setup.model.id;
    this.provider = session.provider;
    this.#setup = setup;
    this.#session = session;
  }

  /** @throws ModelError when the file cannot be opened. */
  static async open(setup: NetworkSetup, device: Device): Promise<Network> {
    return new Network(setup, await openSession(setup.model.path, setup.model.id, device));
  }

  /** Starts the scaling that `detect` will wait for. */
  prefetch(levels: ImageLevels): void {
    const lb = planLetterbox(levels.image.width, levels.image.height, this.#setup.model.input);
    void levels.scaledTo(lb.contentWidth, lb.contentHeight);
  }

  /**
   * Detections in pixels of the image, best score first; boxes may reach over the image's border.
   * Calls are served one after the other, since they share one input tensor.
   * @throws ModelError when outputs are not finite or not of the family's shape.
   */
  detect(levels: ImageLevels): Promise<Detection[]> {
    const result = this.#busy.then(() => this.#detect(levels));
    this.#busy = result.catch(() => {});
    return result;
  }

  async #detect(levels: ImageLevels): Promise<Detection[]> {
    const { model, keep } = this.#setup;
    const { width, height } = levels.image;
    const lb = planLetterbox(width, height, model.input);
    const found = await this.#look(levels, lb, keep);
    const { confirmLarge } = model;
    if (!confirmLarge) return found;
    const { side, scale, least, sure } = confirmLarge;
    const isDoubtful = (d: Detection): boolean =>
      d.score < sure && Math.sqrt(boxArea(d.box)) > side * Math.max(width, height);
    if (!found.some(isDoubtful)) return found;
    const lower = Object.fromEntries(Object.keys(keep).map((label) => [label, least]));
    const again = await this.#look(levels, shrinkLetterbox(width, height, lb, scale), lower);
    return found.filter(
      (d) => !isDoubtful(d) || again.some((a) => a.label === d.label && iou(a.box, d.box) > SAME_OBJECT),
    );
  }

  async #look(levels: ImageLevels, lb: Letterbox, keep: NetworkSetup['keep']): Promise<Detection[]> {
    const { model } = this.#setup;
    const content = await levels.scaledTo(lb.contentWidth, lb.contentHeight);
    if (this.#tensor.length !== lb.width * lb.height * 3) this.#tensor = new Float32Array(lb.width * lb.height * 3);
    packTensor(content, lb, model.input, this.#tensor);
    const shape = model.input.layout === 'nchw' ? [1, 3, lb.height, lb.width] : [1, lb.height, lb.width, 3];
    this.runs++;
    const outputs = new Outputs(model.id, await this.#session.run(this.#tensor, shape));
    const family = DECODERS[model.family];
    const raw = family.decode(outputs, { width: lb.width, height: lb.height, keep });
    const kept = family.nms === undefined ? raw.sort(byScore) : nms(raw, family.nms);
    return kept.map(({ label, box, score, polygon }) => ({
      label,
      score,
      model: model.id,
      box: boxToImage(box, lb),
      ...(polygon ? { polygon: polygon.map((p) => pointToImage(p, lb)) } : {}),
    }));
  }

  async close(): Promise<void> {
    await this.#busy;
    await this.#session.release();
  }
}
