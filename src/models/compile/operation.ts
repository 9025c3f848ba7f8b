import { ModelError } from '../../errors.ts';
import type { Lowering } from './lowering.ts';
import type { Cells } from './size.ts';
import type { Tensor } from './tensor.ts';
import type { GraphNode } from './topology.ts';

/** How a value lies in memory: as TensorFlow has it, or, only at rank 4, with the last axis moved to place 1. */
export type Layout = 'plain' | 'nchw';

/** A tensor of the graph under compilation. Its name in ONNX comes from `Lowering`, in the layout that is needed. */
export interface Value {
  readonly name: string;
  /** TensorFlow's shape, whatever the layout. */
  readonly shape: readonly number[];
  readonly type: 'float32' | 'int32' | 'bool';
  readonly layout: Layout;
  /** Set while height and width are symbolic; those in `shape` then are only examples. Such a value is always NCHW. */
  readonly cells?: Cells | undefined;
  /** The elements, when they are known; always plain. */
  readonly constant?: Tensor;
  /** Set while no node computes the value: it is `of · scale + offset`, and a consumer may absorb that. */
  readonly deferred?: { readonly of: Value; readonly scale: number; readonly offset: number };
}

/** A node that is being compiled. */
export interface Operation {
  readonly node: GraphNode;
  readonly inputs: readonly Value[];
  readonly lowering: Lowering;
}

/** Writes the ONNX nodes of an operation; returns its outputs. */
export type Emitter = (operation: Operation) => readonly Value[];

/** `value · scale + offset` as a value that no node computes yet. */
export function defer(name: string, value: Value, scale: number, offset: number): Value {
  const { shape, type, layout, cells } = value;
  const inner = value.deferred ?? { of: value, scale: 1, offset: 0 };
  const total = { of: inner.of, scale: inner.scale * scale, offset: inner.offset * scale + offset };
  return total.scale === 1 && total.offset === 0 ? inner.of : { name, shape, type, layout, cells, deferred: total };
}

/** Splits off the factor that a linear consumer can absorb: `value` is `of · scale`. */
export function splitScale(value: Value): { of: Value; scale: number } {
  return value.deferred?.offset === 0 ? value.deferred : { of: value, scale: 1 };
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
  if (constant !== undefined) return constant;
  throw failure(operation.node, `expected input ${index} to be a constant but received ${name}`);
}

/** Integers of input number `index`, which must be a constant. */
export function integersOf(operation: Operation, index: number): number[] {
  return [...constantOf(operation, index).data];
}

/** `axis` counted from the front. */
export function toAxis(node: GraphNode, axis: number | undefined, rank: number): number {
  const counted = axis !== undefined && axis < 0 ? axis + rank : axis;
  if (counted !== undefined && counted >= 0 && counted < rank) return counted;
  throw failure(node, `expected an axis of ${rank} dimensions but received ${axis}`);
}

export function failure(node: GraphNode, what: string): ModelError {
  return new ModelError(`Node ${node.name} (${node.op}): ${what}`);
}
