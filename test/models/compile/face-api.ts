import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import * as wasm from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
// face-api calls operations as methods of tensors.
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js';
import { packageDir } from './reference.ts';

interface WeightGroup {
  readonly weights: readonly tf.io.WeightsManifestEntry[];
}

/** Weights that face-api ships: the bytes, what is in them, and the same as tensors by name. */
export interface ShippedWeights {
  readonly bin: Buffer;
  readonly manifest: readonly WeightGroup[];
  readonly tensors: () => tf.NamedTensorMap;
}

export const FACE_API = packageDir('@vladmandic/face-api');

/** @param name such as `ssd_mobilenetv1_model` */
export function shippedWeights(name: string): ShippedWeights {
  const bin = readFileSync(path.join(FACE_API, 'model', `${name}.bin`));
  const manifest = JSON.parse(
    readFileSync(path.join(FACE_API, 'model', `${name}-weights_manifest.json`), 'utf8'),
  ) as WeightGroup[];
  const specs = manifest.flatMap((group) => group.weights);
  return { bin, manifest, tensors: () => tf.io.decodeWeights(Uint8Array.from(bin).buffer, specs) };
}

/** face-api's own Node build, which asks for the umbrella package `@tensorflow/tfjs`: it gets the parts it uses. */
export function loadFaceApi<T>(): T {
  const require = createRequire(import.meta.url);
  const packages = new Map<string, unknown>([
    ['@tensorflow/tfjs', tf],
    ['@tensorflow/tfjs-backend-wasm', wasm],
  ]);
  const module = { exports: {} };
  const source = readFileSync(path.join(FACE_API, 'dist/face-api.node-wasm.js'), 'utf8');
  new Function('module', 'exports', 'require', source)(module, module.exports, (name: string) => {
    return packages.get(name) ?? require(name);
  });
  return module.exports as T;
}
