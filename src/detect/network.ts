import { boxArea, boxHeight, boxWidth, intersect, iou, isEmptyBox, snapOutward } from '../core/geometry.ts';
import { boxToImage, pointToImage } from '../core/letterbox.ts';
import { packTensor } from '../core/tensor.ts';
import type { Box, Detection, Label, Point } from '../core/types.ts';
import type { ConfirmLarge } from '../models/manifest.ts';
import type { Device } from '../models/session.ts';
import { openSession, type Session } from '../models/session.ts';
import type { ReadyModel } from '../models/store.ts';
import { Outputs, type RawDetection } from './decoder.ts';
import { DECODERS } from './families/index.ts';
import { average, fuse, type Sightings } from './fuse.ts';
import type { ImageLevels } from './levels.ts';
import { byScore, nms } from './nms.ts';
import { isCut, type Pass, planPasses, type View, viewOf, wholeScale } from './views.ts';

/** IoU from which the look at doubtful large detections saw the same object. */
const SEEN_AGAIN = 0.3;

/** A part of the image is shown to networks of dynamic input at this share of a whole image's size. */
const PART_SIDE = 0.5;

/** What a network is asked for: least score by label; it is run once for all of them. */
export interface NetworkSetup {
  readonly model: ReadyModel;
  readonly keep: Readonly<Partial<Record<Label, number>>>;
}

/** One opened network: view → letterbox → run → decode → NMS → pixels of the image, and the looks fused. */
export class Network {
  readonly id: string;
  readonly provider: string;
  /** How often it has been run, by input shape. */
  readonly runs = new Map<string, number>();
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
    const [whole] = this.#passes(levels)[0]?.views ?? [];
    if (whole) void levels.content(whole);
  }

  /**
   * Detections in pixels of the image, best score first; boxes may reach over the image's border.
   * Calls are served one after the other, since they share one input tensor.
   * @throws ModelError when outputs are not finite or not of the family's shape.
   */
  async detect(levels: ImageLevels): Promise<Detection[]> {
    return this.fuse(await this.look(levels));
  }

  /** What the passes over the image show, to be fused when all looks have been made. */
  look(levels: ImageLevels): Promise<Sightings> {
    return this.#inTurn(async () => {
      let whole: Detection[] = [];
      const cut: Detection[] = [];
      for (const pass of this.#passes(levels)) {
        const isSuspected = ({ region }: View): boolean =>
          [...whole, ...cut].some((d) => !isEmptyBox(intersect(d.box, region)));
        const seen = await this.#show(levels, pass.onlyWhereSuspected ? pass.views.filter(isSuspected) : pass.views);
        if (pass.kind === 'whole') whole = await this.#confirmed(levels, seen.whole);
        else if (pass.kind === 'mirror') whole = average(whole, seen.whole);
        else whole.push(...seen.whole);
        cut.push(...seen.cut);
      }
      return { whole, cut };
    });
  }

  /** Looks at parts of the image, each enlarged to what the network takes; what lies outside the image is left out. */
  searchIn(levels: ImageLevels, parts: readonly Box[]): Promise<Sightings> {
    const { width, height } = levels.image;
    const views = parts.flatMap((part): View[] => {
      const region = snapOutward(part, width, height);
      return isEmptyBox(region) ? [] : [viewOf(region, this.scaleFor(region), this.#setup.model.input)];
    });
    return this.#inTurn(() => this.#show(levels, views));
  }

  /** One detection per object. */
  fuse(...sightings: readonly Sightings[]): Detection[] {
    return fuse({ whole: sightings.flatMap((s) => s.whole), cut: sightings.flatMap((s) => s.cut) });
  }

  /** Pixels of the model per pixel of the image at which a part of it is shown. */
  scaleFor(part: Box): number {
    const { input, level } = this.#setup.model;
    const { size } = input;
    const longSide = 'width' in size ? undefined : (level.longSide ?? size.longSide) * PART_SIDE;
    return wholeScale(boxWidth(part), boxHeight(part), input, { ...level, longSide });
  }

  /** Pixels of the model per pixel of the image at which all of it is shown first. */
  scaleOfWhole({ image }: ImageLevels): number {
    return wholeScale(image.width, image.height, this.#setup.model.input, this.#setup.model.level);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#busy.then(work);
    this.#busy = result.catch(() => {});
    return result;
  }

  #passes({ image }: ImageLevels): Pass[] {
    const { input, level } = this.#setup.model;
    return planPasses(image.width, image.height, input, level);
  }

  /** What the views show, apart from what an inner border of a tile has cut. */
  async #show(
    levels: ImageLevels,
    views: readonly View[],
    keep = this.#setup.keep,
  ): Promise<{ whole: Detection[]; cut: Detection[] }> {
    const { width, height } = levels.image;
    const whole: Detection[] = [];
    const cut: Detection[] = [];
    for (const [i, view] of views.entries()) {
      levels.between();
      const next = views[i + 1];
      const content = levels.content(view);
      if (next) void levels.content(next);
      for (const d of await this.#run(view, await content, keep)) {
        (isCut(d.box, view, width, height) ? cut : whole).push(this.#withSlack(d, view));
      }
    }
    return { whole, cut };
  }

  /** A network is off by pixels of its own, however large it was shown what it saw. */
  #withSlack(d: Detection, { letterbox }: View): Detection {
    const { classes } = this.#setup.model.level;
    const slack = (d.label !== 'vehicle' && classes[d.label]?.slack) || 0;
    if (slack === 0) return d;
    const { x1, y1, x2, y2 } = d.box;
    const [dx, dy] = [slack / letterbox.scaleX, slack / letterbox.scaleY];
    return { ...d, box: { x1: x1 - dx, y1: y1 - dy, x2: x2 + dx, y2: y2 + dy } };
  }

  /** Drops doubtful detections of much of the image that a look at a smaller scale does not bear out. */
  async #confirmed(levels: ImageLevels, found: Detection[]): Promise<Detection[]> {
    const { confirmLarge, input } = this.#setup.model;
    const { width, height } = levels.image;
    const isDoubtful = (d: Detection, { sure, side }: ConfirmLarge): boolean =>
      d.score < sure && Math.sqrt(boxArea(d.box)) > side * Math.max(width, height);
    if (!confirmLarge || !found.some((d) => isDoubtful(d, confirmLarge))) return found;
    const whole = { x1: 0, y1: 0, x2: width, y2: height };
    const smaller = viewOf(whole, this.scaleOfWhole(levels) * confirmLarge.scale, input);
    const lower = Object.fromEntries(Object.keys(this.#setup.keep).map((label) => [label, confirmLarge.least]));
    const again = (await this.#show(levels, [smaller], lower)).whole;
    return found.filter(
      (d) => !isDoubtful(d, confirmLarge) || again.some((a) => a.label === d.label && iou(a.box, d.box) > SEEN_AGAIN),
    );
  }

  async #run(
    view: View,
    content: Awaited<ReturnType<ImageLevels['content']>>,
    keep: NetworkSetup['keep'],
  ): Promise<Detection[]> {
    const { model } = this.#setup;
    const { letterbox: lb } = view;
    const length = lb.width * lb.height * 3;
    if (this.#tensor.length < length) this.#tensor = new Float32Array(length);
    const tensor = this.#tensor.subarray(0, length);
    packTensor(content, lb, model.input, tensor, view.mirrored);
    const shape = model.input.layout === 'nchw' ? [1, 3, lb.height, lb.width] : [1, lb.height, lb.width, 3];
    this.runs.set(`${shape}`, (this.runs.get(`${shape}`) ?? 0) + 1);
    const outputs = new Outputs(model.id, await this.#session.run(tensor, shape));
    const family = DECODERS[model.family];
    const raw = family.decode(outputs, { width: lb.width, height: lb.height, keep });
    const kept = family.repeats ? nms(raw) : raw.sort(byScore);
    return kept.map((d) => toImage(d, view, model.id));
  }

  async close(): Promise<void> {
    await this.#busy;
    await this.#session.release();
  }
}

/** From pixels of the model's input to pixels of the image. */
function toImage({ label, score, box, polygon }: RawDetection, view: View, model: string): Detection {
  const { region, letterbox, mirrored } = view;
  const place = (p: Point): Point => {
    const { x, y } = pointToImage(p, letterbox);
    return { x: (mirrored ? boxWidth(region) - x : x) + region.x1, y: y + region.y1 };
  };
  const { x1, y1, x2, y2 } = boxToImage(box, letterbox);
  const [left, right] = mirrored ? [boxWidth(region) - x2, boxWidth(region) - x1] : [x1, x2];
  return {
    label,
    score,
    model,
    box: { x1: left + region.x1, y1: y1 + region.y1, x2: right + region.x1, y2: y2 + region.y1 },
    ...(polygon ? { polygon: mirrored ? polygon.map(place).reverse() : polygon.map(place) } : {}),
  };
}
