import type { ModelError } from '../../errors.ts';
import { failure, type Value } from './operation.ts';
import { shapeText } from './tensor.ts';
import type { GraphNode } from './topology.ts';

/** Symbolic heights and widths of an image input are multiples of this many pixels. */
export const SIZE_STEP = 32;

/**
 * Rows and columns of a value per `SIZE_STEP` pixels of the image. While they are whole numbers, every admissible
 * image is cut into cells without a rest, and no padding, scale or count depends on how large it is.
 */
export type Cells = readonly [rows: number, columns: number];

/**
 * Cells of what an elementwise operation makes of `values`; undefined when none has a symbolic size.
 * @throws ModelError when their sizes are not the same for every image
 */
export function commonCells(node: GraphNode, values: readonly Value[]): Cells | undefined {
  const cells = values.find((value) => value.cells !== undefined)?.cells;
  if (cells === undefined) return undefined;
  for (const { cells: other, shape, name } of values) {
    const fits = other === undefined ? shape.slice(-3, -1).every((dim) => dim === 1) : `${other}` === `${cells}`;
    if (!fits) throw sizeFailure(node, `${name} of ${shapeText(shape)}`);
  }
  return cells;
}

/**
 * Cells after windows that move by `strides` and stop at `count` places of the example's rows and columns. Without a
 * rest, SAME pads by the window's reach minus the stride, and VALID leaves nothing out: for every size alike.
 * @throws ModelError when the strides leave a rest, or when there are fewer places than rows or columns divided by them
 */
export function stridedCells(
  node: GraphNode,
  x: Value,
  strides: readonly number[],
  count: readonly number[],
): Cells | undefined {
  if (x.cells === undefined) return undefined;
  const isExact = strides.every((stride, i) => (count[i] as number) * stride === x.shape[i + 1]);
  const cells = pairOf(x.cells, (cell, i) => cell / (strides[i] as number));
  if (isExact && cells.every(Number.isSafeInteger)) return cells;
  throw sizeFailure(node, `${count.join('×')} places on ${x.shape.slice(1, 3).join('×')} with strides ${strides}`);
}

/**
 * Cells after the rows and columns of `x` were multiplied by `factors`.
 * @throws ModelError when that leaves a rest, or when a factor is no float32, as ONNX has them
 */
export function scaledCells(node: GraphNode, x: Value, factors: readonly number[]): Cells | undefined {
  if (x.cells === undefined) return undefined;
  const cells = pairOf(x.cells, (cell, i) => cell * (factors[i] as number));
  if (cells.every(Number.isSafeInteger) && factors.every((factor) => Math.fround(factor) === factor)) return cells;
  throw sizeFailure(node, `factors ${factors.join('×')} on ${x.shape.slice(1, 3).join('×')}`);
}

function pairOf([rows, columns]: Cells, change: (cell: number, axis: number) => number): Cells {
  return [change(rows, 0), change(columns, 1)];
}

/** Name of the dimension that has `cells` per `SIZE_STEP` pixels: `height`, `height/4`, `width*2`, `width*3/32`. */
export function symbolicDim(name: 'height' | 'width', cells: number): string {
  if (cells === SIZE_STEP) return name;
  if (SIZE_STEP % cells === 0) return `${name}/${SIZE_STEP / cells}`;
  return cells % SIZE_STEP === 0 ? `${name}*${cells / SIZE_STEP}` : `${name}*${cells}/${SIZE_STEP}`;
}

export function sizeFailure(node: GraphNode, received: string): ModelError {
  const every = `every height and width that are multiples of ${SIZE_STEP}`;
  return failure(node, `expected an operation that is the same for ${every} but received ${received}`);
}
