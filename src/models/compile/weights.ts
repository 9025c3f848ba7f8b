import { ModelError } from '../../errors.ts';
import { isRecord } from './json.ts';
import { shapeText, sizeOf, type Tensor } from './tensor.ts';

const ITEM_BYTES = { float32: 4, int32: 4, bool: 1, float16: 2, uint8: 1, uint16: 2 } as const;
type StoredType = keyof typeof ITEM_BYTES;

const DTYPES = ['float32', 'int32', 'bool'] as const;
const QUANTIZED_TYPES = ['float16', 'uint8', 'uint16'] as const;

interface WeightSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: (typeof DTYPES)[number];
  /** How the values lie in the file; `value = stored * scale + min` for the integer types. */
  readonly stored: StoredType;
  readonly scale: number;
  readonly min: number;
}

/** Named constants of a tfjs model. */
export class Weights {
  readonly #tensors: ReadonlyMap<string, Tensor>;

  constructor(tensors: ReadonlyMap<string, Tensor>) {
    this.#tensors = tensors;
  }

  /** @throws ModelError when there is no weight `name`, or when its shape is not `shape`. */
  get(name: string, shape?: readonly number[]): Tensor {
    const tensor = this.#tensors.get(name);
    if (tensor === undefined) {
      throw new ModelError(`Expected weight ${name} but received a manifest of ${this.#tensors.size} others`);
    }
    if (shape !== undefined && shapeText(shape) !== shapeText(tensor.shape)) {
      throw new ModelError(
        `Expected weight ${name} of shape ${shapeText(shape)} but received ${shapeText(tensor.shape)}`,
      );
    }
    return tensor;
  }
}

/**
 * Decodes tfjs weights to float32, int32 and bool.
 *
 * Format: tfjs-core `io/types.ts` (WeightsManifestConfig) and `io/io_utils.ts` (quantisation). The groups' files must
 * be concatenated in the order of the manifest, as the single-file models of npm packages are.
 *
 * @param manifest parsed `weightsManifest`: groups of `{paths, weights: [{name, shape, dtype, quantization?}]}`
 * @throws ModelError when an entry is malformed, or `bin` is not exactly as long as the entries say
 */
export function readWeights(manifest: unknown, bin: Uint8Array): Weights {
  if (!Array.isArray(manifest)) {
    throw new ModelError(`Expected a weights manifest (an array of groups) but received ${typeof manifest}`);
  }
  const specs = manifest.flatMap((group: unknown, i) => {
    const weights: unknown = isRecord(group) ? group.weights : undefined;
    if (!Array.isArray(weights)) throw new ModelError(`Expected an array "weights" in group ${i} of the manifest`);
    return weights.map(parseSpec);
  });
  const expected = specs.reduce((sum, spec) => sum + byteLength(spec), 0);
  if (bin.length !== expected) {
    throw new ModelError(`Expected ${expected} bytes of weights but received ${bin.length}`);
  }
  const tensors = new Map<string, Tensor>();
  let offset = 0;
  for (const spec of specs) {
    if (tensors.has(spec.name)) throw new ModelError(`Expected one weight ${spec.name} but received two`);
    // Not `slice`: that of a Buffer does not copy, and a view at an odd offset cannot hold floats.
    const bytes = new Uint8Array(bin.subarray(offset, offset + byteLength(spec)));
    offset += bytes.length;
    tensors.set(spec.name, { shape: spec.shape, data: decode(spec, bytes) });
  }
  return new Weights(tensors);
}

function byteLength(spec: WeightSpec): number {
  return sizeOf(spec.shape) * ITEM_BYTES[spec.stored];
}

function parseSpec(entry: unknown): WeightSpec {
  const { name, shape, dtype, quantization } = isRecord(entry) ? entry : {};
  if (typeof name !== 'string') throw new ModelError(`Expected a weight's name but received ${JSON.stringify(name)}`);
  if (!Array.isArray(shape) || !shape.every((dim) => Number.isSafeInteger(dim) && dim >= 0)) {
    throw new ModelError(`Weight ${name}: expected a shape of whole numbers but received ${JSON.stringify(shape)}`);
  }
  const decoded = oneOf(DTYPES, dtype, `Weight ${name}: expected dtype`);
  const plain = { name, shape, dtype: decoded, stored: decoded, scale: 1, min: 0 };
  if (quantization === undefined) return plain;
  const { dtype: type, scale, min } = isRecord(quantization) ? quantization : {};
  const stored = oneOf(QUANTIZED_TYPES, type, `Weight ${name}: expected quantization dtype`);
  if (stored === 'float16' || decoded === 'bool') {
    if (stored === 'float16' && decoded === 'float32') return { ...plain, stored };
    throw new ModelError(`Weight ${name}: expected no quantization of ${decoded} as ${stored}`);
  }
  if (!Number.isFinite(scale) || !Number.isFinite(min)) {
    throw new ModelError(`Weight ${name}: expected a finite scale and min but received ${scale} and ${min}`);
  }
  return { ...plain, stored, scale: scale as number, min: min as number };
}

function oneOf<T extends string>(allowed: readonly T[], value: unknown, what: string): T {
  const found = allowed.find((item) => item === value);
  if (found === undefined) throw new ModelError(`${what} ${allowed.join(', ')} but received ${JSON.stringify(value)}`);
  return found;
}

/** `bytes` is a copy that starts at offset 0, so every view is aligned. */
function decode(spec: WeightSpec, bytes: Uint8Array<ArrayBuffer>): Tensor['data'] {
  const { buffer } = bytes;
  if (spec.stored === 'float32') return new Float32Array(buffer);
  if (spec.stored === 'int32') return new Int32Array(buffer);
  if (spec.stored === 'bool') return bytes;
  if (spec.stored === 'float16') return decodeFloat16(new Uint16Array(buffer));
  const codes = spec.stored === 'uint8' ? bytes : new Uint16Array(buffer);
  if (spec.dtype === 'int32') return Int32Array.from(codes, (code) => Math.round(code * spec.scale + spec.min));
  // A plain loop: `from` is ten times slower, and models have millions of codes.
  const values = new Float32Array(codes.length);
  for (let i = 0; i < codes.length; i++) values[i] = (codes[i] as number) * spec.scale + spec.min;
  return values;
}

const SMALLEST_HALF = 1 / (1 << 24);

/** IEEE 754 binary16 → binary32: 5 → 8 exponent bits, 10 → 23 fraction bits. */
function decodeFloat16(halves: Uint16Array): Float32Array {
  const values = new Float32Array(halves.length);
  const bits = new Uint32Array(values.buffer);
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i] as number;
    const sign = (half & 0x8000) << 16;
    const exponent = (half >> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0) values[i] = fraction * SMALLEST_HALF * (sign === 0 ? 1 : -1);
    else bits[i] = sign | ((exponent === 0x1f ? 0xff : exponent + 112) << 23) | (fraction << 13);
  }
  return values;
}
