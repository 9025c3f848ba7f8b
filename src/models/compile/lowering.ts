import { ModelError } from '../../errors.ts';
import type { GraphBuilder } from './builder.ts';
import type { Attributes } from './onnx.ts';
import type { Layout, Value } from './operation.ts';
import { permute, shapeText, sizeOf, transpose } from './tensor.ts';

export const NHWC_TO_NCHW: readonly number[] = [0, 3, 1, 2];
const NCHW_TO_NHWC: readonly number[] = [0, 2, 3, 1];

/**
 * Writes ONNX nodes while it keeps track of layouts. Convolutions and all that is elementwise stay NCHW; a Transpose
 * appears only where an operation asks for a value in the other layout, and once per value.
 */
export class Lowering {
  readonly builder: GraphBuilder;
  readonly #computed = new Map<Value, Value>();
  readonly #plain = new Map<Value, string>();
  readonly #nchw = new Map<Value, string>();

  constructor(builder: GraphBuilder) {
    this.builder = builder;
  }

  /** ONNX name of `value` in TensorFlow's layout. */
  plain(value: Value): string {
    const { constant, layout, name, shape } = this.#compute(value);
    if (constant !== undefined) return memoised(this.#plain, value, () => this.builder.constant(name, constant));
    if (layout === 'plain') return name;
    return memoised(this.#plain, value, () =>
      this.#reorder(`${name}/nhwc`, name, permute(shape, NHWC_TO_NCHW), NCHW_TO_NHWC),
    );
  }

  /** ONNX name of `value` as an NCHW operand; lower ranks are filled up with leading ones, as broadcasting does. */
  nchw(value: Value): string {
    const { constant, layout, name, shape } = this.#compute(value);
    if (layout === 'nchw') return name;
    if (shape.length > 4) throw new ModelError(`Expected ${name} of rank 4 or less but received ${shapeText(shape)}`);
    if (constant !== undefined && sizeOf(shape) === 1) return this.plain(value);
    const rank4 = [...Array<number>(4 - shape.length).fill(1), ...shape];
    return memoised(this.#nchw, value, () => {
      if (constant === undefined) {
        const input = shape.length === 4 ? name : this.#reshape(`${name}/rank4`, name, rank4);
        return this.#reorder(`${name}/nchw`, input, rank4, NHWC_TO_NCHW);
      }
      return this.builder.constant(`${name}/nchw`, transpose({ shape: rank4, data: constant.data }, NHWC_TO_NCHW));
    });
  }

  /** ONNX name of `value` in `layout`. */
  in(layout: Layout, value: Value): string {
    return layout === 'nchw' ? this.nchw(value) : this.plain(value);
  }

  /** Adds a node with one output and describes that output. */
  emit(
    opType: string,
    name: string,
    inputs: readonly string[],
    result: Pick<Value, 'shape' | 'type' | 'layout' | 'cells'>,
    attributes: Attributes = {},
  ): Value {
    const { shape, type, layout, cells } = result;
    return { name: this.builder.node(opType, name, inputs, attributes), shape, type, layout, cells };
  }

  /** `value` with another shape of the same size. */
  reshape(name: string, value: Value, shape: readonly number[]): Value {
    if (sizeOf(shape) !== sizeOf(value.shape) || !shape.every(Number.isSafeInteger)) {
      throw new ModelError(`${name}: expected ${sizeOf(value.shape)} elements but received ${shapeText(shape)}`);
    }
    return { name: this.#reshape(name, this.plain(value), shape), shape, type: value.type, layout: 'plain' };
  }

  /** Adds the nodes of a deferred value, once. */
  #compute(value: Value): Value {
    const { deferred, name, shape, type, layout, cells } = value;
    if (deferred === undefined) return value;
    return memoised(this.#computed, value, () => {
      const { of, scale, offset } = deferred;
      let x = this.in(layout, of);
      if (scale !== 1) x = this.builder.node('Mul', name, [x, this.builder.scalar(scale)]);
      if (offset !== 0) x = this.builder.node('Add', name, [x, this.builder.scalar(offset)]);
      return { name: x, shape, type, layout, cells };
    });
  }

  #reshape(name: string, input: string, shape: readonly number[]): string {
    return this.builder.node('Reshape', name, [input, this.builder.int64s(shape)]);
  }

  /** Transposes, or only reshapes when every axis that moves past another has length 1. */
  #reorder(name: string, input: string, shape: readonly number[], order: readonly number[]): string {
    const long = order.filter((axis) => shape[axis] !== 1);
    const keepsOrder = long.every((axis, i) => i === 0 || axis > (long[i - 1] as number));
    if (keepsOrder) return this.#reshape(name, input, permute(shape, order));
    return this.builder.node('Transpose', name, [input], { perm: { ints: order } });
  }
}

function memoised<T>(known: Map<Value, T>, value: Value, create: () => T): T {
  const found = known.get(value);
  if (found !== undefined) return found;
  const created = create();
  known.set(value, created);
  return created;
}
