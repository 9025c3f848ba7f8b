import { closest, distance } from 'fastest-levenshtein';
import * as v from 'valibot';
import { CLASSES, type ClassName, MODES } from './core/types.ts';
import { UsageError } from './errors.ts';
import { LABELS } from './io/class-folders.ts';
import { KEPT_BY_DEFAULT } from './io/keep.ts';
import { QUALITIES } from './models/manifest.ts';
import { BODY_FILLS, TEXT_FILLS } from './redact/fills.ts';
import type { Pseudonyms } from './run/pseudonyms.ts';
import { AUDIO_MODES } from './video/types.ts';

export const PRESETS = {
  strict: ['face', 'body', 'plate', 'text'],
  street: ['face', 'plate'],
  faces: ['face'],
} as const satisfies Record<string, readonly ClassName[]>;

export const LOG_GEOMETRY = ['full', 'coarse', 'none'] as const;
export const OUTPUT_FORMATS = ['webdataset', 'folder'] as const;
export const CLIP_FORMATS = ['mp4', 'webm', 'keep'] as const;
export const PSEUDONYMS = ['fresh', 'stable'] as const satisfies readonly Pseudonyms[];
export const ENCODINGS = ['keep', 'jpeg', 'png', 'webp'] as const;

// The message of a schema is what a caller is told was expected.
const anyOf = (choices: readonly string[]) => `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`;
const oneOf = <const T extends readonly string[]>(choices: T) => v.picklist(choices, anyOf(choices));
const text = (expected: string) => v.pipe(v.string(expected), v.nonEmpty(expected));
const flag = v.boolean('true or false');

function between(least: number, most: number) {
  const expected = `a number from ${least} to ${most}`;
  return v.pipe(v.number(expected), v.minValue(least, expected), v.maxValue(most, expected));
}

function whole(most: number) {
  const expected = `a whole number from 1 to ${most}`;
  return v.pipe(v.number(expected), v.integer(expected), v.minValue(1, expected), v.maxValue(most, expected));
}

const MOST_PARTS = 100_000;
const PART_INDEX = `auto or a whole number from 0 to ${MOST_PARTS - 1}`;
const partIndex = v.pipe(
  v.number(PART_INDEX),
  v.integer(PART_INDEX),
  v.minValue(0, PART_INDEX),
  v.maxValue(MOST_PARTS - 1, PART_INDEX),
);

/** The frames that tell a cut from a flash; and more than anybody has the memory for. */
const [LEAST_LOOK_AHEAD, MOST_LOOK_AHEAD] = [5, 1000];
const LOOK_AHEAD = `a whole number from ${LEAST_LOOK_AHEAD} to ${MOST_LOOK_AHEAD}`;

const SEEDS = 'a whole number from 0 to 4294967295';
const seedNumber = v.pipe(v.number(SEEDS), v.integer(SEEDS), v.minValue(0, SEEDS), v.maxValue(0xffffffff, SEEDS));

const className = v.picklist(CLASSES, `a class (${anyOf(CLASSES)})`);
const byClass = <T extends v.GenericSchema>(value: T) => v.record(className, value, 'a value by class');
const mode = v.picklist(MODES, anyOf(MODES));

/** What a caller may say; everything but inputs (or a list of them) and output folder has a default. */
const optionsSchema = v.strictObject({
  inputs: v.optional(v.array(text('a path'), 'a list of paths')),
  /** A list of images, taken instead of inputs. */
  fromFile: v.optional(text('a file')),
  out: text('a folder'),
  privateDir: v.optional(text('a folder')),
  /** File of the passphrase that the private folder is encrypted to. */
  privatePassphraseFile: v.optional(text('a file')),
  /** File of the age identity that the private folder is encrypted to. */
  privateKeyFile: v.optional(text('a file')),
  /** Records tell the HMAC of the source under a key of the private folder. */
  sourceIds: v.optional(flag, false),
  classes: v.optional(v.pipe(v.array(className, 'a list of classes'), v.minLength(1, 'at least one class'))),
  preset: v.optional(oneOf(['strict', 'street', 'faces'])),
  /** One mode for all classes, or a mode by class. */
  redact: v.optional(v.union([mode, byClass(mode)])),
  /** CSS colour of `solid`. */
  fill: v.optional(v.string('a CSS colour'), 'black'),
  /** What a synthetic body is: nothing but its surroundings, or a mannequin in its pose. */
  bodyFill: v.optional(oneOf(BODY_FILLS)),
  /** What synthetic text is: other characters, or nothing. */
  textFill: v.optional(oneOf(TEXT_FILLS)),
  /** Decides what replacements look like; the same seed gives the same pixels. */
  seed: v.optional(seedNumber, 0),
  /** Who shares a synthetic look: nobody, or the samples of one folder. */
  pseudonyms: v.optional(oneOf(PSEUDONYMS), 'fresh'),
  /** Padding per side: fraction of the box, or of a text line's height. */
  grow: v.optional(byClass(between(0, 2)), {}),
  /** Least score. */
  threshold: v.optional(byClass(between(0, 1)), {}),
  /** Model id or path of an ONNX file. */
  model: v.optional(byClass(text('a model id or path')), {}),
  /** Where class labels come from, besides `.cls` members of tar inputs. */
  labels: v.optional(oneOf(LABELS), 'none'),
  /** What passes besides redacted images: `cls`, `key`, `json.<field>`, extensions of tar members, or `none`. */
  keep: v.optional(v.array(text('a field'), 'a list of fields'), [...KEPT_BY_DEFAULT]),
  /** Share of a labelled object's area that may be redacted before it counts as lost. */
  labelLoss: v.optional(between(0, 1)),
  /** Categories of labelled objects in which only faces are redacted. */
  protectLabels: v.optional(v.array(text('a category'), 'a list of categories'), []),
  /** How closely images are looked at; default balanced. */
  quality: v.optional(oneOf(QUALITIES)),
  /** File of the regions of every image, taken instead of what detectors would find. */
  boxes: v.optional(text('a file')),
  /** File of what a person says about what was found. */
  corrections: v.optional(text('a file')),
  format: v.optional(oneOf(OUTPUT_FORMATS), 'webdataset'),
  /** An index for NVIDIA DALI beside each shard. */
  daliIndex: v.optional(flag, false),
  /** A table of the images for Hugging Face's datasets in a folder. */
  hfMetadata: v.optional(flag, false),
  samplesPerShard: v.optional(whole(1_000_000), 1000),
  /** Of several processes that do a run together, which this is, from 0, and how many there are. */
  shardIndex: v.optional(partIndex),
  shardCount: v.optional(whole(MOST_PARTS)),
  /** Clips: every how many frames somebody looks. */
  detectEvery: v.optional(whole(100), 1),
  /** Clips: they are read once, as they arrive, and each frame waits for so many after it. */
  singlePass: v.optional(flag, false),
  lookAhead: v.optional(
    v.pipe(
      v.number(LOOK_AHEAD),
      v.integer(LOOK_AHEAD),
      v.minValue(LEAST_LOOK_AHEAD, LOOK_AHEAD),
      v.maxValue(MOST_LOOK_AHEAD, LOOK_AHEAD),
    ),
  ),
  /** Clips: what becomes of their sound. */
  audio: v.optional(oneOf(AUDIO_MODES), 'drop'),
  /** Clips: what they are published in. */
  clipFormat: v.optional(oneOf(CLIP_FORMATS), 'mp4'),
  /** Clips: images of some of their frames, in the place of clips. */
  frames: v.optional(v.string('a text')),
  encode: v.optional(oneOf(ENCODINGS), 'keep'),
  jpegQuality: v.optional(whole(100), 92),
  logGeometry: v.optional(oneOf(LOG_GEOMETRY), 'coarse'),
  workers: v.optional(whole(512)),
  device: v.optional(oneOf(['cpu', 'cuda', 'webgpu', 'auto']), 'cpu'),
  /** Images with more pixels than this are quarantined. */
  limitPixels: v.optional(whole(1e9), 1e8),
  /** Seconds that one image may take. */
  timeLimit: v.optional(between(1, 86_400), 120),
  /** An unfinished run with the same settings goes on; otherwise the output must be new. */
  resume: v.optional(flag, true),
  /** Samples that an earlier run could not publish are done again. */
  retryFailed: v.optional(flag, false),
  overwrite: v.optional(flag, false),
});

export type Options = v.InferInput<typeof optionsSchema>;

/** Options of the right form, simple defaults filled in; whether they go together is not known yet. */
export type ParsedOptions = v.InferOutput<typeof optionsSchema>;

/** @throws UsageError naming the option, what was expected and what was received. */
export function parseOptions(options: unknown): ParsedOptions {
  const result = v.safeParse(optionsSchema, options);
  if (!result.success) throw new UsageError(explain(result.issues[0]));
  return result.output;
}

/** `samplesPerShard` → `--samples-per-shard` */
export function flagOf(key: string): string {
  return key === 'inputs' ? '<input>' : `--${key.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`;
}

function explain(issue: v.BaseIssue<unknown>): string {
  // A union reports its members' issues below its own; the one that got furthest says most.
  const nested = issue.issues?.toSorted((a, b) => (b.path?.length ?? 0) - (a.path?.length ?? 0))[0];
  const leaf = nested ?? issue;
  const path = [...(issue.path ?? []), ...(nested?.path ?? [])];
  const [option, cls] = path.map((item) => String(item.key));
  if (option === undefined) return `Expected an object of options but received ${received(leaf)}`;
  if (leaf.expected === 'never') {
    return `Expected a known option but received ${flagOf(option)}${suggest(flagOf(option), Object.keys(optionsSchema.entries).map(flagOf))}`;
  }
  // The root's own issue about a key is that it is missing.
  const missing = leaf.type === 'strict_object';
  const expected = missing ? 'a folder' : leaf.message;
  const ofClass = path[1]?.type === 'object' && path[1].origin === 'value' ? ` ${cls}` : '';
  const choices = leaf.type === 'picklist' ? (leaf.expected?.match(/\w+/g) ?? []) : [];
  return `Expected ${expected} for ${flagOf(option)}${ofClass} but received ${received(leaf)}${suggest(String(leaf.input), choices)}`;
}

function received({ input, received }: v.BaseIssue<unknown>): string {
  if (input === '') return 'an empty string';
  if (input === undefined) return 'nothing';
  if (Array.isArray(input)) return input.length === 0 ? 'none' : 'a list';
  return typeof input === 'string' ? input : received;
}

/** `. Did you mean face?`, or nothing when no choice is near. */
export function suggest(word: string, choices: readonly string[]): string {
  if (choices.length === 0 || word === '') return '';
  const best = closest(word, choices as string[]);
  return distance(word, best) <= Math.max(1, Math.floor(best.length / 2)) ? `. Did you mean ${best}?` : '';
}
