import { availableParallelism } from 'node:os';
import path from 'node:path';
import colorString from 'color-string';
import { CLASSES, type ClassName, type ImageFormat, type Mode } from './core/types.ts';
import { UsageError } from './errors.ts';
import type { Labels } from './io/class-folders.ts';
import { parseKeep } from './io/keep.ts';
import type { Part } from './io/shard-plan.ts';
import type { Quality } from './models/manifest.ts';
import type { Device } from './models/session.ts';
import { assertGoTogether } from './option-conflicts.ts';
import {
  type CLIP_FORMATS,
  type LOG_GEOMETRY,
  type OUTPUT_FORMATS,
  type ParsedOptions,
  PRESETS,
  parseOptions,
  suggest,
} from './options.ts';
import type { BODY_FILLS, TEXT_FILLS } from './redact/fills.ts';
import type { Pseudonyms } from './run/pseudonyms.ts';
import { type FrameChoice, likelyFrameChoice, parseFrameChoice } from './video/frame-choice.ts';
import type { AudioMode } from './video/types.ts';

/** Every setting, total, frozen and JSON-safe: it is decided once and crosses threads. */
export interface Config {
  /** None with `fromFile`. */
  readonly inputs: readonly string[];
  readonly fromFile?: string;
  readonly out: string;
  readonly privateDir: string;
  readonly privatePassphraseFile?: string;
  readonly privateKeyFile?: string;
  readonly sourceIds: boolean;
  readonly classes: readonly ClassName[];
  readonly redact: Readonly<Record<ClassName, Mode>>;
  readonly bodyFill: (typeof BODY_FILLS)[number];
  readonly textFill: (typeof TEXT_FILLS)[number];
  readonly seed: number;
  readonly pseudonyms: Pseudonyms;
  /** 0…255 each. */
  readonly fill: { readonly r: number; readonly g: number; readonly b: number };
  readonly grow: Readonly<Partial<Record<ClassName, number>>>;
  readonly threshold: Readonly<Partial<Record<ClassName, number>>>;
  readonly model: Readonly<Partial<Record<ClassName, string>>>;
  readonly quality: Quality;
  readonly labels: Labels;
  /** Sorted; empty for none. */
  readonly keep: readonly string[];
  readonly labelLoss: number;
  /** Sorted. */
  readonly protectLabels: readonly string[];
  readonly boxes?: string;
  readonly corrections?: string;
  readonly format: (typeof OUTPUT_FORMATS)[number];
  readonly daliIndex: boolean;
  readonly hfMetadata: boolean;
  readonly samplesPerShard: number;
  /** Only this part of the run is done. */
  readonly part?: Part;
  readonly detectEvery: number;
  /** Clips are read once, and a frame waits for so many after it; absent when they are read twice. */
  readonly lookAhead?: number;
  readonly audio: AudioMode;
  readonly clipFormat: (typeof CLIP_FORMATS)[number];
  /** Images of these frames are published in the place of clips. */
  readonly frames?: FrameChoice;
  readonly encode: 'keep' | ImageFormat;
  readonly jpegQuality: number;
  readonly logGeometry: (typeof LOG_GEOMETRY)[number];
  readonly workers: number;
  readonly device: Device;
  readonly limitPixels: number;
  readonly timeLimit: number;
  readonly resume: boolean;
  readonly retryFailed: boolean;
  readonly overwrite: boolean;
}

/**
 * Checks options and fills in every default.
 * @throws UsageError naming the option, what was expected and what was received.
 */
export function fillConfig(options: unknown): Config {
  const o = parseOptions(options);
  const { inputs = [] } = o;
  const classes = CLASSES.filter((c) => (o.classes ?? PRESETS[o.preset ?? 'strict']).some((wanted) => wanted === c));
  const redact = modes(o.redact);
  assertGoTogether(o, classes, redact);
  const out = path.resolve(o.out);
  return deepFreeze({
    inputs,
    ...(o.fromFile === undefined ? {} : { fromFile: path.resolve(o.fromFile) }),
    out,
    privateDir: path.resolve(o.privateDir ?? `${out}.private`),
    ...(o.privatePassphraseFile === undefined ? {} : { privatePassphraseFile: path.resolve(o.privatePassphraseFile) }),
    ...(o.privateKeyFile === undefined ? {} : { privateKeyFile: path.resolve(o.privateKeyFile) }),
    sourceIds: o.sourceIds,
    classes,
    redact,
    bodyFill: o.bodyFill ?? 'erase',
    textFill: o.textFill ?? 'glyphs',
    seed: o.seed,
    pseudonyms: o.pseudonyms,
    fill: parseFill(o.fill),
    grow: o.grow,
    threshold: o.threshold,
    model: o.model,
    labels: o.labels,
    keep: keptNames(o.keep),
    labelLoss: o.labelLoss ?? 0.2,
    protectLabels: [...new Set(o.protectLabels)].sort(),
    quality: o.quality ?? 'balanced',
    ...(o.boxes === undefined ? {} : { boxes: path.resolve(o.boxes) }),
    ...(o.corrections === undefined ? {} : { corrections: path.resolve(o.corrections) }),
    format: o.format,
    daliIndex: o.daliIndex,
    hfMetadata: o.hfMetadata,
    samplesPerShard: o.samplesPerShard,
    ...partOf(o),
    detectEvery: o.detectEvery,
    ...(o.singlePass ? { lookAhead: o.lookAhead ?? defaultLookAhead(o.detectEvery) } : {}),
    audio: o.audio,
    clipFormat: o.clipFormat,
    ...(o.frames === undefined ? {} : { frames: parseFrames(o.frames) }),
    encode: o.encode,
    jpegQuality: o.jpegQuality,
    logGeometry: o.logGeometry,
    workers: o.workers ?? availableParallelism(),
    device: o.device,
    limitPixels: o.limitPixels,
    timeLimit: o.timeLimit,
    resume: o.resume,
    retryFailed: o.retryFailed,
    overwrite: o.overwrite,
  });
}

/** The longest gap that is filled from both sides, with what tells that nothing was cut; 32 where every frame is looked at. */
export function defaultLookAhead(detectEvery: number): number {
  return 30 + 2 * detectEvery;
}

/** @throws UsageError for what cannot pass. */
function keptNames(names: readonly string[]): string[] {
  parseKeep(names);
  return [...new Set(names)].filter((name) => name !== 'none').sort();
}

function modes(redact: ParsedOptions['redact']): Record<ClassName, Mode> {
  const modeOf = (cls: ClassName): Mode => (typeof redact === 'string' ? redact : (redact?.[cls] ?? 'blur'));
  return { face: modeOf('face'), body: modeOf('body'), plate: modeOf('plate'), text: modeOf('text') };
}

/** The two options are given both or not at all. */
function partOf({ shardIndex: index, shardCount: count }: ParsedOptions): { part?: Part } {
  return index === undefined || count === undefined ? {} : { part: { index, count } };
}

function parseFrames(text: string): FrameChoice {
  const choice = parseFrameChoice(text);
  if (choice !== undefined) return choice;
  const likely = likelyFrameChoice(text);
  const hint = likely === undefined ? suggest(text, ['every:5', 'every:1s']) : `. Did you mean ${likely}?`;
  throw new UsageError(
    `Expected every:<n> or every:<seconds>s, such as every:5 or every:0.5s, for --frames but received ${text === '' ? 'an empty string' : text}${hint}`,
  );
}

function parseFill(fill: string): { r: number; g: number; b: number } {
  const rgb = colorString.get.rgb(fill);
  if (rgb?.[3] !== 1) {
    throw new UsageError(`Expected an opaque CSS colour for --fill but received ${JSON.stringify(fill)}`);
  }
  const [r = 0, g = 0, b = 0] = rgb;
  return { r: Math.round(r), g: Math.round(g), b: Math.round(b) };
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) deepFreeze(inner);
  return Object.freeze(value);
}
