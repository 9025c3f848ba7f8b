import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { encodeModel, type OnnxGraph, type OnnxNode, type OnnxValueInfo } from '../../src/models/compile/onnx.ts';

export type Shape = readonly number[];

/** A network that looks at nothing and always answers the same: its outputs are constants. */
export function constantModel(
  outputs: Readonly<Record<string, { readonly shape: Shape; readonly data: Float32Array }>>,
  input: Shape = [1, 3, 32, 32],
): Uint8Array {
  const names = Object.entries(outputs);
  return encodeModel({
    name: 'constant',
    nodes: names.map(([name]) => node('Identity', [`${name}.value`], name)),
    initializers: names.map(([name, { shape, data }]) => ({ name: `${name}.value`, dims: shape, data })),
    inputs: [float('image', input)],
    outputs: names.map(([name, { shape }]) => float(name, shape)),
  });
}

/** Text probability of a pixel = mean of its normalised channels: bright is text. */
export function brightnessModel(width: number, height: number): Uint8Array {
  return encodeModel({
    name: 'brightness',
    nodes: [
      {
        ...node('ReduceMean', ['image'], 'map'),
        attributes: { axes: { ints: [1] }, keepdims: { int: 1 } },
      },
    ],
    initializers: [],
    inputs: [float('image', [1, 3, height, width])],
    outputs: [float('map', [1, 1, height, width])],
  });
}

export function model(
  inputs: OnnxGraph['inputs'],
  outputs: OnnxGraph['outputs'],
  nodes: readonly OnnxNode[],
): Uint8Array {
  return encodeModel({ name: 'tiny', nodes, initializers: [], inputs, outputs });
}

export function node(opType: string, inputs: readonly string[], output: string): OnnxNode {
  return { opType, name: output, inputs, outputs: [output], attributes: {} };
}

export function float(name: string, dims: Shape): OnnxValueInfo {
  return { name, type: 'float32', dims };
}

export async function save(dir: string, name: string, bytes: Uint8Array): Promise<string> {
  const file = path.join(dir, name);
  await writeFile(file, bytes);
  return file;
}
