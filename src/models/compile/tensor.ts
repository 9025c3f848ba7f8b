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

/** Every element times `factor`, as float32. */
export function multiply(tensor: Tensor, factor: number): Tensor {
  if (factor === 1) return tensor;
  return { shape: tensor.shape, data: Float32Array.from(tensor.data, (value) => value * factor) };
}

/**
 * Shape of an elementwise result under numpy's broadcasting rules, which TensorFlow and ONNX share.
 * @returns undefined when the shapes do not fit
 */
export function broadcast(shapes: readonly (readonly number[])[]): number[] | undefined {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  const result = Array.from({ length: rank }, (_, i) => {
    const dims = shapes.map((shape) => shape[shape.length - rank + i] ?? 1).filter((dim) => dim !== 1);
    return new Set(dims).size > 1 ? Number.NaN : (dims[0] ?? 1);
  });
  return result.some(Number.isNaN) ? undefined : result;
}
