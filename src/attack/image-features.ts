import { planLetterbox } from '../core/letterbox.ts';
import { packTensor, type TensorFormat } from '../core/tensor.ts';
import type { RgbImage } from '../core/types.ts';
import { Outputs } from '../detect/decoder.ts';
import { resizeImage } from '../image/resize.ts';
import { type Device, openSession, type Session } from '../models/session.ts';

const SIDE = 512;
/** Cells and channels of the last feature map. */
const CELLS = 16;
const CHANNELS = 480;
const FORMAT: TensorFormat = { layout: 'nchw', channels: 'rgb', mean: [0, 0, 0], std: [1, 1, 1], pad: 0 };

/** The last layer of CenterNet's MobileNetV3 backbone, trained on COCO, averaged over the photograph. */
export class ImageFeatures {
  readonly #session: Session;

  private constructor(session: Session) {
    this.#session = session;
  }

  /** @throws ModelError when the file cannot be opened. */
  static async open(path: string, device: Device): Promise<ImageFeatures> {
    return new ImageFeatures(await openSession(path, 'image-features', device));
  }

  /** @returns 480 values @throws ModelError when the output is unusable. */
  async of(image: RgbImage): Promise<Float32Array> {
    const size = { width: SIDE, height: SIDE };
    const letterbox = planLetterbox(image.width, image.height, { size, multiple: 32, align: 'top-left' });
    const content = await resizeImage(image, letterbox.contentWidth, letterbox.contentHeight);
    // One of its own: calls overlap, and a tensor is not read before its turn comes.
    const tensor = packTensor(content, letterbox, FORMAT, new Float32Array(3 * SIDE * SIDE));
    const outputs = new Outputs('image-features', await this.#session.run(tensor, [1, 3, SIDE, SIDE]));
    const { data } = outputs.get(undefined, [1, CELLS, CELLS, CHANNELS]);
    const pooled = new Float32Array(CHANNELS);
    for (let i = 0; i < data.length; i++) {
      const c = i % CHANNELS;
      pooled[c] = (pooled[c] as number) + (data[i] as number) / (CELLS * CELLS);
    }
    return pooled;
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}
