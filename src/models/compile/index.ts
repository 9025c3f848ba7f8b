import { ModelError } from '../../errors.ts';
import { compileFaceRecognition } from './face-recognition.ts';
import { compileGraph } from './graph.ts';
import { isRecord, parseJson } from './json.ts';
import { compileLandmarks } from './landmarks.ts';
import { compileSsd } from './ssd.ts';

export { compileFaceRecognition } from './face-recognition.ts';
export { compileGraph, type GraphOptions } from './graph.ts';
export { compileLandmarks } from './landmarks.ts';
export { compileSsd } from './ssd.ts';

/** `faceapi-…`: a network of face-api, weights without a graph. `tfjs-graph`: any tfjs graph model. */
export type CompileKind = 'faceapi-ssd' | 'faceapi-landmarks' | 'faceapi-recognition' | 'tfjs-graph';

export interface ModelFiles {
  /** Weights manifest (`faceapi-…`) or `model.json` (`tfjs-graph`). */
  readonly json: Uint8Array;
  /** The weight files that the manifest lists, concatenated. */
  readonly bin: Uint8Array;
}

export interface CompileOptions {
  /** Tensors to return, by name. Required for `tfjs-graph`; a network of face-api always returns all of its own. */
  readonly outputs?: readonly string[];
  /** `tfjs-graph`: height and width of the image input are symbolic, any multiples of 32 pixels. Default: false. */
  readonly dynamic?: boolean;
}

/**
 * Compiles tfjs weights to an ONNX model (operator set 13). Pure: the same bytes in give the same bytes out.
 * @throws ModelError when the files are not what `kind` says, or the options do not fit it
 */
export function compileModel(kind: CompileKind, files: ModelFiles, options: CompileOptions = {}): Uint8Array {
  const json = parseJson(files.json);
  const { outputs = [], dynamic = false } = options;
  if (kind === 'tfjs-graph') return compileGraph(json, files.bin, { outputs, dynamic });
  if (dynamic) throw new ModelError(`Expected a fixed input size for ${kind} but received dynamic`);
  if (outputs.length > 0) {
    throw new ModelError(`Expected no choice of outputs for ${kind} but received ${outputs.join(', ')}`);
  }
  if (isRecord(json)) throw new ModelError(`Expected a weights manifest for ${kind} but received a model.json`);
  if (kind === 'faceapi-recognition') return compileFaceRecognition(json, files.bin);
  if (kind === 'faceapi-landmarks') return compileLandmarks(json, files.bin);
  return compileSsd(json, files.bin);
}
