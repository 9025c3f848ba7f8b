import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import type { ClassName } from '../core/types.ts';
import { ModelError } from '../errors.ts';
import {
  type AuxiliarySpec,
  type Manifest,
  type ModelLevel,
  type ModelSpec,
  manifestSchema,
  type OperatingPoint,
  QUALITIES,
  type Quality,
  type Role,
} from './manifest-schema.ts';

export {
  type AuxiliarySpec,
  type ConfirmLarge,
  FAMILIES,
  type Family,
  type Manifest,
  type ModelInput,
  type ModelLevel,
  type ModelSource,
  type ModelSpec,
  type OperatingPoint,
  QUALITIES,
  type Quality,
  type Role,
} from './manifest-schema.ts';

export const MANIFEST_URL = new URL('../../models/manifest.json', import.meta.url);

/**
 * Checks a parsed manifest.
 * @throws ModelError naming the entry, what was expected and what was received.
 */
export function parseManifest(json: unknown): Manifest {
  const result = v.safeParse(manifestSchema, json);
  if (!result.success) {
    const issue = result.issues[0];
    throw new ModelError(`models/manifest.json: ${v.getDotPath(issue) ?? '(root)'}: ${issue.message}`);
  }
  const manifest = result.output;
  for (const model of manifest.models) {
    const problem = problemOf(model, manifest);
    if (problem) throw new ModelError(`models/manifest.json: ${problem}`);
  }
  return manifest;
}

/** What is wrong with an entry beyond its form. */
function problemOf(model: ModelSpec, manifest: Manifest): string | undefined {
  const { id, classes, defaultFor, defaultAt, family, input, levels, source } = model;
  if (manifest.models.some((other) => other !== model && other.id === id)) {
    return `expected unique ids but received ${id} twice`;
  }
  if (source.kind !== 'derived' && !input) return `${id}: expected an input description but received none`;
  if (family === 'plate-shape' && !levels) return `${id}: expected levels but received none`;
  for (const quality of QUALITIES) {
    const level = levelOf(manifest, model, quality);
    const missing = classes.find((cls) => level.classes[cls] === undefined);
    if (missing) return `${id}: expected a threshold and growth for ${missing} at ${quality} but received none`;
  }
  const stray = [defaultFor, ...Object.values(defaultAt)].flat().find((cls) => !classes.includes(cls));
  if (stray) return `${id}: expected defaults for what it finds (${classes.join(', ')}) but received ${stray}`;
  return undefined;
}

let shipped: Manifest | undefined;

/** The manifest that ships with the package. */
export function loadManifest(): Manifest {
  shipped ??= parseManifest(JSON.parse(readFileSync(MANIFEST_URL, 'utf8')));
  return shipped;
}

/** @throws ModelError listing the known ids. */
export function findModel(manifest: Manifest, id: string): ModelSpec {
  const model = manifest.models.find((m) => m.id === id);
  if (model) return model;
  throw new ModelError(`Expected a model id (${manifest.models.map((m) => m.id).join(', ')}) but received ${id}`);
}

/** @throws ModelError when the manifest has no network for the role. */
export function auxiliaryModel(manifest: Manifest, role: Role): AuxiliarySpec {
  const model = manifest.auxiliary.find((m) => m.id === role);
  if (model) return model;
  throw new ModelError(`Expected a network for ${role} in models/manifest.json but found none`);
}

/** @throws ModelError when the manifest names no default for the class. */
export function defaultModel(manifest: Manifest, cls: ClassName, quality: Quality): ModelSpec {
  const model =
    manifest.models.find((m) => m.defaultAt[quality]?.includes(cls)) ??
    manifest.models.find((m) => m.defaultFor.includes(cls));
  if (!model) throw new ModelError(`models/manifest.json: expected a default model for ${cls} but found none`);
  return model;
}

/** How a model looks at images at a quality: its own level, or its family's. */
export function levelOf(manifest: Manifest, spec: Pick<ModelSpec, 'family' | 'levels'>, quality: Quality): ModelLevel {
  if (spec.levels) return spec.levels[quality];
  if (spec.family === 'plate-shape') throw new ModelError('Expected levels for plate-shape but received none');
  return manifest.families[spec.family][quality];
}

/** @throws ModelError when the level has none for the class. */
export function operatingPoint(level: ModelLevel, cls: ClassName): OperatingPoint {
  const point = level.classes[cls];
  if (point) return point;
  const known = Object.keys(level.classes).join(', ');
  throw new ModelError(`models/manifest.json: expected a threshold and growth for ${cls} but found those for ${known}`);
}
