import { ModelError } from '../../errors.ts';

/** A constant, row-major. `bool` is stored as bytes 0 and 1. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | Uint8Array;
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, dim) => size * dim, 1);
}

export function shapeText(shape: readonly number[]): string {
  return `[${shape.join(',')}]`;
}

export function dtypeOf(tensor: Tensor): 'float32' | 'int32' | 'bool' {
  if (tensor.data instanceof Float32Array) return 'float32';
  return tensor.data instanceof Int32Array ? 'int32' : 'bool';
}

export function permute<T>(items: readonly T[], order: readonly number[]): T[] {
  return order.map((from) => items[from] as T);
}

/** Reorders the axes: axis `i` of the result is axis `order[i]` of `tensor`. */
export function transpose(tensor: Tensor, order: readonly number[]): Tensor {
  const strides = tensor.shape.map((_, axis) => sizeOf(tensor.shape.slice(axis + 1)));
  const shape = permute(tensor.shape, order);
  const steps = permute(strides, order);
  const data = tensor.data.slice();
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < data.length; to++) {
    data[to] = tensor.data[from] as number;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const step = steps[axis] as number;
      index[axis] = (index[axis] as number) + 1;
      from += step;
      if ((index[axis] as number) < (shape[axis] as number)) break;
      from -= step * (shape[axis] as number);
      index[axis] = 0;
    }
  }
  return { shape, data };
}

/** Shape of an elementwise result under numpy's broadcasting rules, which TensorFlow and ONNX share. */
export function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) {
      throw new ModelError(`Expected shapes that broadcast together but received ${shapeText(a)} and ${shapeText(b)}`);
    }
    return x === 1 ? y : x;
  });
}
