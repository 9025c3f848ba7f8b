/** tfjs itself, as the reference that compiled models are compared with. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import ort from 'onnxruntime-node';
import sharp from 'sharp';

const require = createRequire(import.meta.url);

/** Root of an installed package, whatever it exports. */
export function packageDir(name: string): string {
  const candidates = (require.resolve.paths(name) ?? []).map((dir) => path.join(dir, name));
  const found = candidates.find((dir) => existsSync(dir));
  if (found === undefined) throw new Error(`Expected package ${name} to be installed`);
  return found;
}

export async function useBackend(name: 'cpu' | 'wasm'): Promise<void> {
  setWasmPaths(`${path.join(packageDir('@tensorflow/tfjs-backend-wasm'), 'dist')}/`);
  // Without this flag the CPU backend advertises another one.
  tf.env().set('IS_TEST', true);
  if (!(await tf.setBackend(name))) throw new Error(`Expected tfjs backend ${name} to start`);
  await tf.ready();
}

/** Values in TensorFlow's layout, row-major. */
export interface Array4 {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** A tfjs graph model as its files hold it. */
export interface ModelJson {
  readonly modelTopology: { readonly node: readonly unknown[]; readonly versions: { readonly producer?: number } };
  readonly weightsManifest: readonly { readonly weights: readonly tf.io.WeightsManifestEntry[] }[];
}

/** Runs a graph model with tfjs. */
export async function runTfjs(
  model: ModelJson,
  bin: Uint8Array,
  inputs: Readonly<Record<string, tf.Tensor>>,
  outputs: readonly string[],
): Promise<Array4[]> {
  const graph = await loadGraphModel({
    load: async () => ({
      modelTopology: model.modelTopology,
      format: 'graph-model',
      weightSpecs: model.weightsManifest.flatMap((group) => group.weights),
      weightData: Uint8Array.from(bin).buffer,
    }),
  });
  const results = [graph.execute({ ...inputs }, [...outputs])].flat();
  const arrays = results.map((tensor) => ({ shape: tensor.shape, data: tensor.dataSync() }));
  for (const tensor of results) tensor.dispose();
  graph.dispose();
  return arrays;
}

/** Runs a compiled model. Inputs are given in TensorFlow's layout; those of rank 4 are fed as NCHW. */
export async function runOnnx(
  model: Uint8Array,
  inputs: Readonly<Record<string, Array4>>,
  outputs: readonly string[],
): Promise<Array4[]> {
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1 });
  const feeds = Object.entries(inputs).map(([name, input]) => {
    const { shape, data } = input.shape.length === 4 ? toNchw(input) : input;
    return [name, new ort.Tensor('float32', Float32Array.from(data), shape)] as const;
  });
  const results = await session.run(Object.fromEntries(feeds));
  await session.release();
  return outputs.map((name) => {
    const tensor = results[name];
    if (tensor === undefined) throw new Error(`Expected output ${name} but received ${Object.keys(results)}`);
    return { shape: tensor.dims, data: Array.from(tensor.data as ArrayLike<number>, Number) };
  });
}

/** From TensorFlow's layout, rank 4. */
export function toNchw({ shape, data }: Array4): Array4 {
  const [batch = 1, height = 1, width = 1, channels = 1] = shape;
  const planar = new Float32Array(data.length);
  const plane = height * width;
  for (let n = 0; n < batch; n++) {
    for (let i = 0; i < plane; i++) {
      for (let c = 0; c < channels; c++) {
        planar[(n * channels + c) * plane + i] = data[(n * plane + i) * channels + c] as number;
      }
    }
  }
  return { shape: [batch, channels, height, width], data: planar };
}

/** A real photograph with three people, stretched to the size: RGB, 0…255, HWC. */
export async function photograph(width: number, height: number): Promise<Float32Array> {
  const file = path.join(packageDir('@vladmandic/face-api'), 'demo', 'sample1.jpg');
  const pixels = await sharp(file).resize(width, height, { fit: 'fill' }).removeAlpha().raw().toBuffer();
  return Float32Array.from(pixels);
}

interface Difference {
  /** The largest absolute difference; infinite when shapes or NaNs differ. */
  readonly error: number;
  /** The same in units of the largest expected value, or of 1 when that is less. */
  readonly relative: number;
  /** Where it is. */
  readonly text: string;
}

export function difference(expected: Array4, received: Array4): Difference {
  const shapes = `[${expected.shape}] and [${received.shape}]`;
  if (`${expected.shape}` !== `${received.shape}`) {
    return { error: Infinity, relative: Infinity, text: `shapes differ: ${shapes}` };
  }
  let [error, at, largest] = [0, 0, 1];
  for (let i = 0; i < expected.data.length; i++) {
    const [a, b] = [expected.data[i] as number, received.data[i] as number];
    if (Number.isFinite(a)) largest = Math.max(largest, Math.abs(a));
    const distance = Object.is(a, b) || a === b ? 0 : Math.abs(a - b);
    if (distance <= error) continue;
    [error, at] = [Number.isNaN(distance) ? Infinity : distance, i];
  }
  const text = `max abs error ${error} at ${at} of ${shapes}: ${expected.data[at]} and ${received.data[at]}`;
  return { error, relative: error / largest, text };
}

/** Nodes of one operator in an encoded model: NodeProto.op_type is field 4, length-delimited. */
export function countNodes(model: Uint8Array, opType: string): number {
  const needle = Buffer.from([0x22, opType.length, ...Buffer.from(opType)]);
  const haystack = Buffer.from(model);
  let count = 0;
  for (let at = haystack.indexOf(needle); at >= 0; at = haystack.indexOf(needle, at + 1)) count++;
  return count;
}
