import { availableParallelism } from 'node:os';
import path from 'node:path';
import colorString from 'color-string';
import { closest, distance } from 'fastest-levenshtein';
import * as v from 'valibot';
import { CLASSES, type ClassName, type ImageFormat, type Mode } from './core/types.ts';
import { UsageError } from './errors.ts';
import type { Device } from './models/session.ts';

export const PRESETS = {
  strict: ['face', 'body', 'plate', 'text'],
  street: ['face', 'plate'],
  faces: ['face'],
} as const satisfies Record<string, readonly ClassName[]>;

export const LOG_GEOMETRY = ['full', 'coarse', 'none'] as const;
export const OUTPUT_FORMATS = ['webdataset', 'folder'] as const;
export const ENCODINGS = ['keep', 'jpeg', 'png', 'webp'] as const;
const ACCEPTED_MODES = ['blur', 'gaussian', 'pixelate', 'solid', 'none', 'synthetic'] as const;
const QUALITIES = ['fast', 'balanced', 'max'] as const;

const count = v.pipe(v.number(), v.integer(), v.minValue(1));
const byClass = <T extends v.GenericSchema>(value: T) => v.record(v.picklist(CLASSES), value);

/** What a caller may say; everything but inputs and output folder has a default. */
const optionsSchema = v.strictObject({
  inputs: v.pipe(v.array(v.pipe(v.string(), v.nonEmpty())), v.minLength(1)),
  out: v.pipe(v.string(), v.nonEmpty()),
  privateDir: v.optional(v.pipe(v.string(), v.nonEmpty())),
  classes: v.optional(v.pipe(v.array(v.picklist(CLASSES)), v.minLength(1))),
  preset: v.optional(v.picklist(['strict', 'street', 'faces'])),
  /** One mode for all classes, or a mode by class. */
  redact: v.optional(v.union([v.picklist(ACCEPTED_MODES), byClass(v.picklist(ACCEPTED_MODES))])),
  /** CSS colour of `solid`. */
  fill: v.optional(v.string(), 'black'),
  /** Padding per side: fraction of the box, or of a text line's height. */
  grow: v.optional(byClass(v.pipe(v.number(), v.minValue(0), v.maxValue(2))), {}),
  /** Least score, 0…1. */
  threshold: v.optional(byClass(v.pipe(v.number(), v.minValue(0), v.maxValue(1))), {}),
  /** Model id or path of an ONNX file. */
  model: v.optional(byClass(v.pipe(v.string(), v.nonEmpty())), {}),
  quality: v.optional(v.picklist(QUALITIES), 'fast'),
  format: v.optional(v.picklist(OUTPUT_FORMATS), 'webdataset'),
  samplesPerShard: v.optional(v.pipe(count, v.maxValue(1_000_000)), 1000),
  encode: v.optional(v.picklist(ENCODINGS), 'keep'),
  jpegQuality: v.optional(v.pipe(count, v.maxValue(100)), 92),
  logGeometry: v.optional(v.picklist(LOG_GEOMETRY), 'coarse'),
  workers: v.optional(v.pipe(count, v.maxValue(512))),
  device: v.optional(v.picklist(['cpu', 'cuda', 'webgpu', 'auto']), 'cpu'),
  /** Images with more pixels than this are quarantined. */
  limitPixels: v.optional(v.pipe(count, v.maxValue(1e9)), 1e8),
  /** Seconds that one image may take. */
  timeLimit: v.optional(v.pipe(v.number(), v.minValue(1), v.maxValue(86_400)), 120),
  resume: v.optional(v.boolean(), false),
  overwrite: v.optional(v.boolean(), false),
});

export type Options = v.InferInput<typeof optionsSchema>;

/** Every setting, total, frozen and JSON-safe: it is decided once and crosses threads. */
export interface Config {
  readonly inputs: readonly string[];
  readonly out: string;
  readonly privateDir: string;
  readonly classes: readonly ClassName[];
  readonly redact: Readonly<Record<ClassName, Mode>>;
  /** 0…255 each. */
  readonly fill: { readonly r: number; readonly g: number; readonly b: number };
  readonly grow: Readonly<Partial<Record<ClassName, number>>>;
  readonly threshold: Readonly<Partial<Record<ClassName, number>>>;
  readonly model: Readonly<Partial<Record<ClassName, string>>>;
  readonly format: (typeof OUTPUT_FORMATS)[number];
  readonly samplesPerShard: number;
  readonly encode: 'keep' | ImageFormat;
  readonly jpegQuality: number;
  readonly logGeometry: (typeof LOG_GEOMETRY)[number];
  readonly workers: number;
  readonly device: Device;
  readonly limitPixels: number;
  readonly timeLimit: number;
  readonly overwrite: boolean;
}

/**
 * Checks options and fills in every default.
 * @throws UsageError naming the option, what was expected and what was received.
 */
export function fillConfig(options: unknown): Config {
  const result = v.safeParse(optionsSchema, options);
  if (!result.success) throw new UsageError(explain(result.issues[0]));
  const o = result.output;
  if (o.preset && o.classes) throw new UsageError('Expected either --preset or --classes but received both');
  if (o.quality !== 'fast') {
    throw new UsageError(
      `Expected fast for --quality but received ${o.quality}: this version looks at each image once`,
    );
  }
  if (o.resume) {
    throw new UsageError('Expected no --resume: this version cannot resume a run; use --overwrite to start it again');
  }
  const classes = CLASSES.filter((c) => (o.classes ?? PRESETS[o.preset ?? 'strict']).some((wanted) => wanted === c));
  const out = path.resolve(o.out);
  return deepFreeze({
    inputs: o.inputs,
    out,
    privateDir: path.resolve(o.privateDir ?? `${out}.private`),
    classes,
    redact: modes(o.redact),
    fill: parseFill(o.fill),
    grow: o.grow,
    threshold: o.threshold,
    model: o.model,
    format: o.format,
    samplesPerShard: o.samplesPerShard,
    encode: o.encode,
    jpegQuality: o.jpegQuality,
    logGeometry: o.logGeometry,
    workers: o.workers ?? availableParallelism(),
    device: o.device,
    limitPixels: o.limitPixels,
    timeLimit: o.timeLimit,
    overwrite: o.overwrite,
  });
}

function modes(redact: v.InferOutput<typeof optionsSchema>['redact']): Record<ClassName, Mode> {
  const result: Record<ClassName, Mode> = { face: 'blur', body: 'blur', plate: 'blur', text: 'blur' };
  for (const cls of CLASSES) {
    const mode = typeof redact === 'string' ? redact : (redact?.[cls] ?? 'blur');
    if (mode === 'synthetic') {
      throw new UsageError(
        'Expected blur, gaussian, pixelate, solid or none for --redact but received synthetic: this version cannot draw replacements',
      );
    }
    result[cls] = mode;
  }
  return result;
}

function parseFill(fill: string): { r: number; g: number; b: number } {
  const rgb = colorString.get.rgb(fill);
  if (rgb?.[3] !== 1) {
    throw new UsageError(`Expected an opaque CSS colour for --fill but received ${JSON.stringify(fill)}`);
  }
  const [r = 0, g = 0, b = 0] = rgb;
  return { r: Math.round(r), g: Math.round(g), b: Math.round(b) };
}

/** `samplesPerShard` → `--samples-per-shard` */
function flagOf(key: string): string {
  return key === 'inputs' ? '<input>' : `--${key.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`;
}

function explain(issue: v.BaseIssue<unknown>): string {
  const keys = issue.path?.map((p) => String(p.key)) ?? [];
  const [option, ...rest] = keys;
  const leaf = deepest(issue);
  const expected = (leaf.expected ?? 'a valid value').replace(/[()"]/g, '').replaceAll(' | ', ', ');
  if (leaf.expected === 'never' || option === undefined) {
    return `Expected a known option but received ${option ? flagOf(option) : leaf.received}${suggest(option ?? '', Object.keys(optionsSchema.entries))}`;
  }
  const where = rest.length > 0 && !/^\d+$/.test(rest[0] ?? '') && leaf.kind !== 'schema' ? ` ${rest.join('.')}` : '';
  const received = typeof leaf.input === 'string' ? leaf.input : leaf.received;
  const choices = expected.includes(', ') ? expected.split(', ') : [];
  return `Expected ${expected} for ${flagOf(option)}${where} but received ${received}${suggest(String(received), choices)}`;
}

/** A union reports its members' issues below its own; the one that got furthest says most. */
function deepest(issue: v.BaseIssue<unknown>): v.BaseIssue<unknown> {
  const nested = issue.issues?.toSorted((a, b) => (b.path?.length ?? 0) - (a.path?.length ?? 0))[0];
  return nested ? deepest(nested) : issue;
}

/** `. Did you mean face?`, or nothing when no choice is near. */
export function suggest(word: string, choices: readonly string[]): string {
  if (choices.length === 0 || word === '') return '';
  const best = closest(word, choices as string[]);
  return distance(word, best) <= Math.max(1, Math.floor(best.length / 2)) ? `. Did you mean ${best}?` : '';
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) deepFreeze(inner);
  return Object.freeze(value);
}
