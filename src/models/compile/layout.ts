import { ModelError } from '../../errors.ts';
import type { GraphBuilder } from './builder.ts';
import type { Attributes } from './onnx.ts';
import { permute, shapeText, sizeOf, type Tensor, transpose } from './tensor.ts';
import type { GraphNode } from './topology.ts';

export const NHWC_TO_NCHW = [0, 3, 1, 2] as const;
export const NCHW_TO_NHWC = [0, 2, 3, 1] as const;

/** How a value lies in memory: as TensorFlow has it, or, only at rank 4, with the last axis moved to place 1. */
export type Layout = 'plain' | 'nchw';

/** A tensor of the graph under compilation. */
export interface Value {
  readonly name: string;
  /** TensorFlow's shape, whatever the layout. */
  readonly shape: readonly number[];
  readonly type: 'float32' | 'int32' | 'bool';
  readonly layout: Layout;
  /** The values, when they are known; always plain. */
  readonly constant?: Tensor;
}

/** A node that is being compiled. */
export interface Operation {
  readonly node: GraphNode;
  readonly inputs: readonly Value[];
  readonly lowering: Lowering;
}

/** Writes the ONNX nodes of an operation; returns its outputs. */
export type Emitter = (operation: Operation) => readonly Value[];

/**
 * Writes ONNX nodes while it keeps track of layouts. Convolutions and all that is elementwise stay NCHW; a Transpose
 * appears only where an operation asks for a value in the other layout, and once per value.
 */
export class Lowering {
  readonly builder: GraphBuilder;
  readonly #plain = new Map<Value, string>();
  readonly #nchw = new Map<Value, string>();

  constructor(builder: GraphBuilder) {
    this.builder = builder;
  }

  /** Name of `value` in TensorFlow's layout. */
  plain(value: Value): string {
    if (value.layout === 'plain' && value.constant === undefined) return value.name;
    return memoised(this.#plain, value, () =>
      value.constant === undefined
        ? this.#reorder(`${value.name}/nhwc`, value.name, permute(value.shape, NHWC_TO_NCHW), NCHW_TO_NHWC)
        : this.builder.constant(value.name, value.constant),
    );
  }

  /** Name of `value` as an NCHW operand; lower ranks are filled up with leading ones, as broadcasting does. */
  nchw(value: Value): string {
    if (value.layout === 'nchw') return value.name;
    if (value.shape.length > 4) throw new ModelError(`Expected rank 4 or less but ${value.name} is ${shapeText(value.shape)}`);
    if (sizeOf(value.shape) === 1 && value.constant !== undefined) return this.plain(value);
    return memoised(this.#nchw, value, () => {
      const shape = [...Array<number>(4 - value.shape.length).fill(1), ...value.shape];
      if (value.constant !== undefined) {
        const constant = transpose({ shape, data: value.constant.data }, NHWC_TO_NCHW);
        return this.builder.constant(`${value.name}/nchw`, constant);
      }
      const name = value.shape.length === 4 ? value.name : this.#reshape(`${value.name}/rank4`, value.name, shape);
      return this.#reorder(`${value.name}/nchw`, name, shape, NHWC_TO_NCHW);
    });
  }

  /** `nchw` or `plain`. */
  in(layout: Layout, value: Value): string {
    return layout === 'nchw' ? this.nchw(value) : this.plain(value);
  }

  /** Name of an integer value as the int64 vector that ONNX wants for indices. */
  int64(value: Value): string {
    const to = { int: 7 };
    return this.builder.node('Cast', `${value.name}/int64`, [this.plain(value)], { to });
  }

  /** Adds a node with one output and describes that output. */
  emit(
    opType: string,
    name: string,
    inputs: readonly string[],
    result: Pick<Value, 'shape' | 'type' | 'layout'>,
    attributes: Attributes = {},
  ): Value {
    const { shape, type, layout } = result;
    return { name: this.builder.node(opType, name, inputs, attributes), shape, type, layout };
  }

  /** `value` with another shape of the same size. */
  reshape(name: string, value: Value, shape: readonly number[]): Value {
    if (sizeOf(shape) !== sizeOf(value.shape)) {
      throw new ModelError(`${name}: expected ${sizeOf(value.shape)} elements but received ${shapeText(shape)}`);
    }
    return { name: this.#reshape(name, this.plain(value), shape), shape, type: value.type, layout: 'plain' };
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

function memoised(names: Map<Value, string>, value: Value, create: () => string): string {
  const known = names.get(value);
  if (known !== undefined) return known;
  const name = create();
  names.set(value, name);
  return name;
}

/** The layout in which values are combined: NCHW as soon as one of them is. */
export function commonLayout(values: readonly Value[]): Layout {
  return values.some((value) => value.layout === 'nchw') ? 'nchw' : 'plain';
}

/** Input number `index`. */
export function inputOf({ node, inputs }: Operation, index: number): Value {
  const value = inputs[index];
  if (value === undefined) throw failure(node, `expected at least ${index + 1} inputs but received ${inputs.length}`);
  return value;
}

/** Input number `index`, which must be a constant. */
export function constantOf(operation: Operation, index: number): Tensor {
  const { constant, name } = inputOf(operation, index);
  if (constant === undefined) throw failure(operation.node, `expected input ${index} to be a constant but received ${name}`);
  return constant;
}

/** Integers of input number `index`, which must be a constant. */
export function integersOf(operation: Operation, index: number): number[] {
  return [...constantOf(operation, index).data];
}

/** `axis` counted from the front. */
export function toAxis(node: GraphNode, axis: number | undefined, rank: number): number {
  const counted = axis !== undefined && axis < 0 ? axis + rank : axis;
  if (counted === undefined || counted < 0 || counted >= rank) {
    throw failure(node, `expected an axis of ${rank} dimensions but received ${axis}`);
  }
  return counted;
}

export function failure(node: GraphNode, what: string): ModelError {
  return new ModelError(`Node ${node.name} (${node.op}): ${what}`);
}
