import { existsSync, readFileSync } from 'node:fs';
import type { Config } from './config.ts';
import { CLASSES, type ClassName, type Label } from './core/types.ts';
import type { GuideSetup } from './detect/guides/index.ts';
import type { NetworkSetup } from './detect/network.ts';
import type { DetectSetup } from './detect/pipeline.ts';
import { LEAST_EVIDENCE } from './detect/second-look.ts';
import { ModelError } from './errors.ts';
import { sha256Hex } from './models/cache.ts';
import {
  auxiliaryModel,
  defaultModel,
  findModel,
  levelOf,
  loadManifest,
  type Manifest,
  type ModelLevel,
  type ModelSpec,
  operatingPoint,
  type Quality,
  type Role,
} from './models/manifest.ts';
import { packageFile } from './models/package-files.ts';
import { locateModel, prepareCustomModel, prepareModel, type ReadyModel } from './models/store.ts';
import { suggest } from './options.ts';
import { packageVersion } from './version.ts';
import type { Job } from './worker/job.ts';

/**
 * Networks report from this share of the least redacted score on: weaker sightings of an object widen the
 * box of a certain one, and `eval` draws its curve over them.
 */
export const KEPT_SHARE = 0.4;

interface Choice {
  /** Id as the public log shows it. */
  readonly name: string;
  readonly threshold: number;
  readonly growth: number;
}

/** What was decided when the detections were made that a run gets in the place of detectors. */
export interface DetectedBefore {
  /** As the public log lists them. */
  readonly models: readonly string[];
  readonly classes: readonly ClassName[];
  readonly quality: Quality;
  /** Least score by class. */
  readonly threshold: Readonly<Record<ClassName, number>>;
  /** Text on plates was left to the plates. */
  readonly mergesPlatesAndText: boolean;
}

/** Boxes that come with the images: every class is looked for by somebody else. */
export const GIVEN: DetectedBefore = {
  models: CLASSES.map((cls) => `${cls}:boxes@given`),
  classes: CLASSES,
  quality: 'balanced',
  threshold: { face: 0, body: 0, plate: 0, text: 0 },
  mergesPlatesAndText: false,
};

/** What the detectors decide of a job. */
interface Detectors {
  readonly detect: DetectSetup;
  readonly models: readonly string[];
  readonly grow: Readonly<Record<ClassName, number>>;
}

/**
 * Chooses and readies the models of a run, and decides everything that a worker needs to know.
 * @throws ModelError or UsageError before any work has been done.
 */
export async function prepareJob(config: Config, manifest: Manifest = loadManifest()): Promise<Job> {
  return jobOf(config, manifest, await prepareDetectors(config, manifest));
}

/**
 * The same without detectors: every sample comes with detections that were made as `before` says. Equal settings give
 * the policy of the run that made them.
 * @throws ModelError before any work has been done.
 */
export async function prepareWithoutDetectors(config: Config, before: DetectedBefore): Promise<Job> {
  const manifest = loadManifest();
  const { classes } = config;
  const perClass = (value: (cls: ClassName) => number): Record<ClassName, number> =>
    Object.fromEntries(CLASSES.map((c) => [c, classes.includes(c) ? value(c) : 0])) as Record<ClassName, number>;
  const threshold = perClass((cls) => config.threshold[cls] ?? before.threshold[cls]);
  const merges = mergesPlatesAndText(config);
  const isAsBefore =
    classes.length === before.classes.length &&
    classes.every((cls) => threshold[cls] === before.threshold[cls]) &&
    merges === before.mergesPlatesAndText;
  const detectors: Detectors = {
    detect: { classes, networks: [], searches: [], thresholds: threshold, mergePlatesAndText: merges },
    models: before.models.filter((model) => classes.some((cls) => model.startsWith(`${cls}:`))),
    grow: perClass((cls) => config.grow[cls] ?? 0),
  };
  // What detectors find depends on their settings: other ones do not give what a run of its own would give.
  return jobOf(
    config,
    manifest,
    detectors,
    isAsBefore || before.models.every((model) => model.endsWith('@given')) ? {} : { before },
  );
}

async function prepareDetectors(config: Config, manifest: Manifest): Promise<Detectors> {
  const networks = new Map<string, NetworkSetup>();
  const choices = new Map<ClassName, Choice>();
  const searches: DetectSetup['searches'][number][] = [];
  const { quality } = config;
  let plateShape: DetectSetup['plateShape'];

  const use = (model: ReadyModel, label: Label, threshold: number): void => {
    const known = networks.get(model.sha256);
    const least = Math.min(threshold * KEPT_SHARE, known?.keep[label] ?? Infinity);
    networks.set(model.sha256, { model, keep: { ...known?.keep, [label]: least } });
  };

  /** What a caller says comes before what the level says. */
  const chosen = (cls: ClassName, level: ModelLevel): Pick<Choice, 'threshold' | 'growth'> => {
    const point = operatingPoint(level, cls);
    return { threshold: config.threshold[cls] ?? point.threshold, growth: config.grow[cls] ?? point.growth };
  };

  for (const cls of config.classes) {
    const wanted = config.model[cls];
    const spec = wanted === undefined ? defaultModel(manifest, cls, quality) : specOf(manifest, cls, wanted);
    if (spec && !spec.classes.includes(cls)) {
      throw new ModelError(
        `Expected a model for ${cls} but received ${spec.id}, which finds ${spec.classes.join(', ')}`,
      );
    }
    if (spec?.source.kind === 'derived') {
      const { threshold, growth } = chosen(cls, levelOf(manifest, spec, quality));
      plateShape = await deriveFrom(manifest, spec, quality, threshold, use);
      choices.set(cls, { name: `${spec.id}@interim`, threshold, growth });
      continue;
    }
    const model = spec
      ? await prepareModel(manifest, spec, quality)
      : await prepareCustomModel(manifest, cls, wanted as string, quality);
    const { threshold, growth } = chosen(cls, model.level);
    use(model, cls, threshold);
    choices.set(cls, { name: `${model.id}@sha256:${model.sha256}`, threshold, growth });
    const evidence = model.level.searchIn;
    if (evidence === undefined) continue;
    searches.push({ label: cls, evidence });
    use(
      await prepareModel(manifest, findModel(manifest, manifest.evidence[evidence]), quality),
      evidence,
      LEAST_EVIDENCE,
    );
  }

  const perClass = (value: 'threshold' | 'growth'): Record<ClassName, number> =>
    Object.fromEntries(CLASSES.map((c) => [c, choices.get(c)?.[value] ?? 0])) as Record<ClassName, number>;
  return {
    detect: {
      classes: config.classes,
      networks: [...networks.values()],
      searches,
      thresholds: perClass('threshold'),
      mergePlatesAndText: mergesPlatesAndText(config),
      ...(plateShape ? { plateShape } : {}),
    },
    models: config.classes.map((c) => `${c}:${choices.get(c)?.name}`),
    grow: perClass('growth'),
  };
}

/** Only what gets the same treatment may stand for each other. */
export function mergesPlatesAndText({ classes, redact }: Config): boolean {
  return classes.includes('plate') && classes.includes('text') && redact.plate === redact.text;
}

async function jobOf(
  config: Config,
  manifest: Manifest,
  { detect, models, grow }: Detectors,
  more: Readonly<Record<string, unknown>> = {},
): Promise<Job> {
  const decisive = {
    version: packageVersion(),
    models,
    classes: config.classes,
    quality: config.quality,
    redact: config.redact,
    fill: config.fill,
    bodyFill: config.bodyFill,
    textFill: config.textFill,
    seed: config.seed,
    pseudonyms: config.pseudonyms,
    threshold: detect.thresholds,
    grow,
    encode: config.encode,
    jpegQuality: config.jpegQuality,
    limitPixels: config.limitPixels,
    // Only where it decides something: other policies stay what they were.
    ...(config.protectLabels.length > 0 ? { protectLabels: config.protectLabels } : {}),
    ...more,
  };
  return {
    detect,
    protectLabels: config.protectLabels,
    guides: await prepareGuides(config, manifest),
    ...(await prepareFaces(config, manifest)),
    policy: { classes: config.classes, redact: config.redact, grow },
    fill: config.fill,
    bodyFill: config.bodyFill,
    textFill: config.textFill,
    seed: config.seed,
    encode: config.encode,
    jpegQuality: config.jpegQuality,
    logGeometry: config.logGeometry,
    limitPixels: config.limitPixels,
    timeLimit: config.timeLimit,
    device: config.device,
    models,
    policyHash: sha256Hex(Buffer.from(JSON.stringify(decisive))),
    selfCheck: selfCheckOf(manifest),
  };
}

const isSynthetic = ({ classes, redact }: Config, cls: ClassName): boolean =>
  classes.includes(cls) && redact[cls] === 'synthetic';

/** What the wanted replacements are drawn from. */
async function prepareFaces(config: Config, manifest: Manifest): Promise<Pick<Job, 'faces'>> {
  if (!isSynthetic(config, 'face')) return {};
  return { faces: (await locateModel(auxiliaryModel(manifest, 'synthetic-face'))).path };
}

/** The networks that the wanted replacements follow. */
async function prepareGuides(config: Config, manifest: Manifest): Promise<GuideSetup> {
  const fileOf = async (role: Role): Promise<string> => (await locateModel(auxiliaryModel(manifest, role))).path;
  return {
    ...(isSynthetic(config, 'face') ? { landmarks: await fileOf('face-landmarks') } : {}),
    ...(isSynthetic(config, 'body') && config.bodyFill === 'mannequin' ? { pose: await fileOf('body-pose') } : {}),
  };
}

/** A value that looks like a path is one; anything else must be an id. */
function specOf(manifest: Manifest, cls: ClassName, wanted: string): ModelSpec | undefined {
  const isPath = /[\\/]|\.onnx$/i.test(wanted);
  if (!isPath) {
    const ids = manifest.models.map((m) => m.id);
    if (ids.includes(wanted)) return findModel(manifest, wanted);
    throw new ModelError(
      `Expected a model id (${ids.join(', ')}) or the path of an .onnx file for --model ${cls} but received ${wanted}${suggest(wanted, ids)}`,
    );
  }
  if (existsSync(wanted)) return undefined;
  throw new ModelError(`Expected an ONNX file at ${wanted} (from --model) but found none`);
}

async function deriveFrom(
  manifest: Manifest,
  spec: ModelSpec,
  quality: Quality,
  threshold: number,
  use: (model: ReadyModel, label: Label, threshold: number) => void,
): Promise<NonNullable<DetectSetup['plateShape']>> {
  const ids = spec.source.kind === 'derived' ? spec.source.from : [];
  let textModel = '';
  for (const id of ids) {
    const model = await prepareModel(manifest, findModel(manifest, id), quality);
    if (model.family === 'db') {
      textModel = model.id;
      use(model, 'text', threshold);
    } else use(model, 'vehicle', LEAST_EVIDENCE);
  }
  return { id: spec.id, textModel, threshold };
}

function selfCheckOf(manifest: Manifest): Job['selfCheck'] {
  const { package: name, path, sha256, expect } = manifest.selfCheck;
  const file = packageFile(name, path);
  const received = sha256Hex(readFileSync(file));
  if (received !== sha256) {
    throw new ModelError(`Expected ${file} to have sha256 ${sha256} but received ${received}; reinstall the package`);
  }
  return { path: file, expect };
}
