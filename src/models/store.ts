import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ClassName } from '../core/types.ts';
import { ModelError } from '../errors.ts';
import { cacheDir, cachedPath, readCached, sha256Hex, writeCached } from './cache.ts';
import { compileModel } from './compile/index.ts';
import { FAMILY_TRAITS, identifyFamily, inputOf } from './families.ts';
import {
  type ConfirmLarge,
  type Family,
  levelOf,
  MANIFEST_URL,
  type Manifest,
  type ModelInput,
  type ModelLevel,
  type ModelSource,
  type ModelSpec,
  type Quality,
} from './manifest.ts';
import { packageFile } from './package-files.ts';
import { openSession } from './session.ts';
import { simplifyModel } from './simplify/index.ts';

/** A model whose file is on this machine and has been checked. Plain data: it may cross threads. */
export interface ReadyModel {
  readonly id: string;
  readonly family: Family;
  readonly path: string;
  readonly sha256: string;
  readonly input: ModelInput;
  readonly level: ModelLevel;
  readonly confirmLarge?: ConfirmLarge;
}

/**
 * Makes sure that a model of the manifest is on this machine, compiling or simplifying it if need be.
 * @throws ModelError when it is missing, damaged or not pulled yet.
 */
export async function prepareModel(
  manifest: Manifest,
  spec: ModelSpec,
  quality: Quality,
  dir = cacheDir(),
): Promise<ReadyModel> {
  const { input, family } = spec;
  if (!input || family === 'plate-shape') {
    throw new ModelError(`Model ${spec.id}: expected a model with weights but received a derived one`);
  }
  const file = await locateModel(spec, dir);
  const { id, confirmLarge } = spec;
  const level = levelOf(manifest, spec, quality);
  return { id, family, ...file, input, level, ...(confirmLarge ? { confirmLarge } : {}) };
}

/**
 * The checked file of a model of the manifest.
 * @throws ModelError when it is missing, damaged or not pulled yet.
 */
export async function locateModel(
  spec: Pick<ModelSpec, 'id' | 'source'>,
  dir = cacheDir(),
): Promise<{ path: string; sha256: string }> {
  const { source, id } = spec;
  switch (source.kind) {
    case 'npm': {
      const file = packageFile(source.package, source.path);
      const bytes = await readVerified(id, file, source.sha256);
      if (source.simplified === undefined) return { path: file, sha256: source.sha256 };
      return cachedOr(dir, source.simplified, () => simplify(id, bytes, source));
    }
    case 'project':
    case 'project-data': {
      const file = path.resolve(path.dirname(fileURLToPath(MANIFEST_URL)), source.path);
      await readVerified(id, file, source.sha256);
      return { path: file, sha256: source.sha256 };
    }
    case 'url': {
      if (await readCached(dir, source.sha256)) return { path: cachedPath(dir, source.sha256), sha256: source.sha256 };
      throw new ModelError(`Model ${id} is not on this machine; run: anonymize models pull ${id}`);
    }
    case 'compiled':
      return cachedOr(dir, source.sha256, () => compile(id, source));
    case 'derived':
      throw new ModelError(`Model ${id}: expected a model with weights but received a derived one`);
  }
}

/** The cached file of that content, or else what `make` makes, which has it. */
async function cachedOr(
  dir: string,
  sha256: string,
  make: () => Promise<Uint8Array> | Uint8Array,
): Promise<{ path: string; sha256: string }> {
  if (await readCached(dir, sha256)) return { path: cachedPath(dir, sha256), sha256 };
  return { path: await writeCached(dir, sha256, await make()), sha256 };
}

async function compile(id: string, source: Extract<ModelSource, { kind: 'compiled' }>): Promise<Uint8Array> {
  const files = {
    json: await readModelFile(id, packageFile(source.package, source.json)),
    bin: await readModelFile(id, packageFile(source.package, source.bin)),
  };
  const onnx = compileModel(source.compiler, files, { outputs: source.outputs, dynamic: source.dynamic });
  const sha256 = sha256Hex(onnx);
  if (sha256 === source.sha256) return onnx;
  throw new ModelError(
    `Model ${id}: expected ${source.package} to compile to sha256 ${source.sha256} but received ${sha256}; is another version installed?`,
  );
}

function simplify(id: string, bytes: Uint8Array, source: Extract<ModelSource, { kind: 'npm' }>): Uint8Array {
  let onnx: Uint8Array;
  try {
    onnx = simplifyModel(bytes);
  } catch (cause) {
    if (!(cause instanceof ModelError)) throw cause;
    throw new ModelError(`Model ${id}: expected ${source.path} to be simplified but received: ${cause.message}`, {
      cause,
    });
  }
  const sha256 = sha256Hex(onnx);
  if (sha256 === source.simplified) return onnx;
  throw new ModelError(
    `Model ${id}: expected ${source.path} to be simplified to sha256 ${source.simplified} but received ${sha256}`,
  );
}

async function readModelFile(id: string, file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new ModelError(`Model ${id}: expected a readable file at ${file} but received: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

async function readVerified(id: string, file: string, expected: string): Promise<Uint8Array> {
  const bytes = await readModelFile(id, file);
  const sha256 = sha256Hex(bytes);
  if (sha256 === expected) return bytes;
  throw new ModelError(`Model ${id}: expected ${file} to have sha256 ${expected} but received ${sha256}`);
}

/**
 * A caller's own ONNX file for one class. A file that the manifest knows keeps its calibrated values.
 * @throws ModelError when it cannot be read, is of no known family, or of a family for another class.
 */
export async function prepareCustomModel(
  manifest: Manifest,
  cls: ClassName,
  file: string,
  quality: Quality,
): Promise<ReadyModel> {
  const label = `${cls}=${file}`;
  const sha256 = sha256Hex(await readModelFile(label, file));
  const session = await openSession(file, label, 'cpu');
  try {
    const family = identifyFamily(label, session.outputs);
    const traits = FAMILY_TRAITS[family];
    if (!traits.classes.includes(cls)) {
      throw new ModelError(
        `Model ${label}: expected a detector for ${cls} but received the outputs of ${family} (${traits.classes.join(', ')})`,
      );
    }
    const known = manifest.models.find(({ source }) => hashesOf(source).includes(sha256));
    return {
      id: known?.id ?? 'custom',
      family,
      path: path.resolve(file),
      sha256,
      input: inputOf(label, family, session.inputs[0]),
      level: levelOf(manifest, known ?? { family }, quality),
    };
  } finally {
    await session.release();
  }
}

/** Hashes of all files that are this model, as it comes and as it is used. */
function hashesOf(source: ModelSource): readonly string[] {
  if (source.kind === 'derived') return [];
  return source.kind === 'npm' && source.simplified ? [source.sha256, source.simplified] : [source.sha256];
}
