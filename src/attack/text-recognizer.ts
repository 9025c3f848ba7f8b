import { packTensor, type TensorFormat } from '../core/tensor.ts';
import type { RgbImage } from '../core/types.ts';
import { Outputs } from '../detect/decoder.ts';
import { ModelError } from '../errors.ts';
import { resizeImage } from '../image/resize.ts';
import { type Device, openSession, type Session } from '../models/session.ts';
import { greedyDecode, type Reading } from './ctc.ts';

/**
 * Height of what the network sees, and its least and largest width, pixels. PaddleOCR pads to 320 at least; with 160 as
 * many words of photographs are read (44 of 69 against 42).
 */
const HEIGHT = 48;
const WIDTH = { least: 160, most: 1600 } as const;
/** The width is padded to a multiple of this. */
const STEP = 8;
const FORMAT: TensorFormat = {
  layout: 'nchw',
  channels: 'bgr',
  mean: [127.5, 127.5, 127.5],
  std: [127.5, 127.5, 127.5],
  // Zero after normalisation, as in PaddleOCR.
  pad: 127.5,
};

/** PP-OCRv4's recognition network (PaddleOCR; architecture: SVTR-LCNet, Du et al., 2022). */
export class TextRecognizer {
  readonly #session: Session;
  readonly #characters: readonly string[];

  private constructor(session: Session, characters: readonly string[]) {
    this.#session = session;
    this.#characters = characters;
  }

  /**
   * @param dictionary one character a line; the space, which it does not list, comes last
   * @throws ModelError when the file cannot be opened.
   */
  static async open(path: string, dictionary: string, device: Device): Promise<TextRecognizer> {
    const characters = [...dictionary.replace(/\r?\n$/, '').split(/\r?\n/), ' '];
    return new TextRecognizer(await openSession(path, 'text-recognition', device), characters);
  }

  /** @param line upright, any size @throws ModelError when the output is unusable. */
  async read(line: RgbImage): Promise<Reading> {
    const content = Math.min(WIDTH.most, Math.max(1, Math.round((line.width / line.height) * HEIGHT)));
    const width = Math.max(WIDTH.least, Math.ceil(content / STEP) * STEP);
    const scaled = await resizeImage(line, content, HEIGHT);
    const letterbox = {
      width,
      height: HEIGHT,
      scaleX: 1,
      scaleY: 1,
      left: 0,
      top: 0,
      contentWidth: content,
      contentHeight: HEIGHT,
    };
    const tensor = packTensor(scaled, letterbox, FORMAT, new Float32Array(3 * HEIGHT * width));
    const outputs = new Outputs('text-recognition', await this.#session.run(tensor, [1, 3, HEIGHT, width]));
    const { data, shape } = outputs.get(undefined, [1, -1, -1]);
    const [, steps = 0, classes] = shape;
    if (classes !== this.#characters.length + 1) {
      throw new ModelError(
        `Model text-recognition: expected ${this.#characters.length + 1} classes as in its dictionary but received ${classes}`,
      );
    }
    return greedyDecode(data, steps, this.#characters);
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}
