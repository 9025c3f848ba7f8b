import type { Box, Label, Point } from '../core/types.ts';
import { ModelError } from '../errors.ts';
import type { OutputTensor } from '../models/session.ts';

/** A detection in pixels of the model's input. Never leaves `src/detect`. */
export interface RawDetection {
  readonly label: Label;
  readonly box: Box;
  readonly score: number;
  readonly polygon?: readonly Point[];
}

export interface DecodeContext {
  /** Pixels of the model's input. */
  readonly width: number;
  readonly height: number;
  /** Least score by label; labels that are absent are not wanted. */
  readonly keep: Readonly<Partial<Record<Label, number>>>;
}

/** Reads a family's outputs; boxes may still overlap. */
export type Decode = (outputs: Outputs, context: DecodeContext) => RawDetection[];

/** A network's outputs by name, with errors that say what was expected. */
export class Outputs {
  readonly #model: string;
  readonly #tensors: ReadonlyMap<string, OutputTensor>;

  /** @throws ModelError when an output holds NaN or an infinity. */
  constructor(model: string, tensors: ReadonlyMap<string, OutputTensor>) {
    this.#model = model;
    this.#tensors = tensors;
    for (const [name, tensor] of tensors) {
      // A sum over finite float32 values stays finite in float64, so one test at the end sees them all.
      let sum = 0;
      for (let i = 0; i < tensor.data.length; i++) sum += tensor.data[i] as number;
      if (!Number.isFinite(sum)) {
        throw new ModelError(`Model ${model}: expected finite numbers in output ${name} but received NaN or infinity`);
      }
    }
  }

  /** Output by exact name or, without one, the only output. `-1` in `shape` stands for any length. */
  get(name: string | undefined, shape: readonly number[]): OutputTensor {
    const tensor = name === undefined ? [...this.#tensors.values()][0] : this.#tensors.get(name);
    const fits =
      tensor &&
      tensor.shape.length === shape.length &&
      shape.every((length, i) => length === -1 || length === tensor.shape[i]);
    if (fits) return tensor;
    throw new ModelError(
      `Model ${this.#model}: expected output ${name ?? '(only)'} of shape [${shape.join(',')}] but received ${
        tensor ? `[${tensor.shape.join(',')}]` : [...this.#tensors.keys()].join(', ') || 'none'
      }`,
    );
  }

  /** Rank of the only output. */
  rank(): number {
    return [...this.#tensors.values()][0]?.shape.length ?? 0;
  }
}

/** COCO category index → what it means here (80-class order without gaps). */
export const COCO_LABELS: ReadonlyMap<number, Label> = new Map<number, Label>([
  [0, 'body'],
  [2, 'vehicle'],
  [3, 'vehicle'],
  [5, 'vehicle'],
  [7, 'vehicle'],
]);
