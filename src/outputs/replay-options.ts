import * as v from 'valibot';
import type { Config } from '../config.ts';
import { CLASSES, type ClassName, MODES, type Mode } from '../core/types.ts';
import { UsageError } from '../errors.ts';
import type { PrivateRun } from '../io/private-run.ts';
import { type Options, PRESETS } from '../options.ts';

const byClass = <T extends v.GenericSchema>(value: T) =>
  v.object({ face: value, body: value, plate: value, text: value });

/**
 * What of an earlier run's settings a replay takes over, of images as of clips; values are checked when they become
 * options again.
 */
export const commonSettings = {
  models: v.array(v.string()),
  classes: v.array(v.picklist(CLASSES)),
  quality: v.picklist(['fast', 'balanced', 'max']),
  redact: byClass(v.picklist(MODES)),
  fill: v.object({ r: v.number(), g: v.number(), b: v.number() }),
  bodyFill: v.string(),
  textFill: v.string(),
  threshold: byClass(v.number()),
  grow: byClass(v.number()),
  format: v.string(),
  limitPixels: v.number(),
  logGeometry: v.string(),
};

type CommonSettings = { readonly [K in keyof typeof commonSettings]: v.InferOutput<(typeof commonSettings)[K]> };

/** A run that is replayed. */
export type EarlierRun = Pick<PrivateRun, 'detected' | 'seed' | 'corrections'> & { readonly settings: CommonSettings };

/** What is said about detections and modes. */
type Said = Pick<Options, 'classes' | 'preset' | 'threshold' | 'redact' | 'grow' | 'corrections'>;

/** @throws UsageError naming the setting that is missing or is another thing. */
export function settingsIn<T extends v.GenericSchema>(schema: T, settings: unknown, where: string): v.InferOutput<T> {
  const result = v.safeParse(schema, settings);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new UsageError(
    `Expected the settings of a run in ${where} but received: ${v.getDotPath(issue) ?? ''} ${issue.message}`,
  );
}

/** @throws UsageError when those of the earlier run would be dropped without a word. */
export function assertCorrections({ corrections }: EarlierRun, said: Said): void {
  if (corrections === null || said.corrections !== undefined) return;
  throw new UsageError(
    'Expected --corrections, since the earlier run had some and its folder keeps detections only, but received none; an empty file drops them',
  );
}

/** Also of classes that are left alone: the policy tells all modes. */
export function allModes({ redact }: CommonSettings, said: Said, filled: Config): Config['redact'] {
  if (typeof said.redact === 'string') return filled.redact;
  const modeOf = (cls: ClassName): Mode => (filled.classes.includes(cls) ? filled.redact[cls] : (redact[cls] as Mode));
  return { face: modeOf('face'), body: modeOf('body'), plate: modeOf('plate'), text: modeOf('text') };
}

/** The options that give the earlier run; what is said comes after them. */
export function commonOptions(earlier: EarlierRun, said: Said): Record<string, unknown> {
  const { settings, seed } = earlier;
  const { r, g, b } = settings.fill;
  const redact = modesOf(settings, said, wantedClasses(settings, said).classes);
  return {
    fill: `rgb(${r}, ${g}, ${b})`,
    ...(redact.body === 'synthetic' ? { bodyFill: settings.bodyFill } : {}),
    ...(redact.text === 'synthetic' ? { textFill: settings.textFill } : {}),
    seed,
    format: settings.format,
    logGeometry: settings.logGeometry,
    limitPixels: settings.limitPixels,
  };
}

/**
 * Classes, modes, growth and thresholds, of the earlier run and as they are said; in the place of what is said.
 * @throws UsageError for what there are no detections of.
 */
export function detectedOptions({ settings, detected }: EarlierRun, said: Said): Record<string, unknown> {
  const { wanted, classes } = wantedClasses(settings, said);
  const stray = CLASSES.find((cls) => wanted.includes(cls) && !settings.classes.includes(cls));
  if (stray) {
    throw new UsageError(
      `Expected classes that the earlier run looked for (${settings.classes.join(', ')}) but received ${stray}`,
    );
  }
  for (const cls of CLASSES) {
    const least = detected.threshold[cls];
    const threshold = said.threshold?.[cls];
    if (threshold === undefined || threshold >= least) continue;
    throw new UsageError(
      `Expected at least ${least} for --threshold ${cls}, from which score on detections were kept, but received ${threshold}`,
    );
  }
  const of = <T>(values: Readonly<Record<ClassName, T>>): Record<string, T> =>
    Object.fromEntries(classes.map((cls) => [cls, values[cls]]));
  const redact = modesOf(settings, said, classes);
  const isRedacted = (cls: ClassName): boolean => classes.includes(cls) && redact[cls] !== 'none';
  if (detected.mergesPlatesAndText && isRedacted('text') && !isRedacted('plate')) {
    throw new UsageError(
      'Expected plates to be redacted where text is, since the earlier run kept what is written on plates as plates only, but received plate=none',
    );
  }
  const { preset } = said;
  return {
    classes: preset !== undefined && said.classes === undefined ? classes : wanted,
    ...(preset !== undefined && said.classes !== undefined ? { preset } : {}),
    redact: typeof said.redact === 'string' ? said.redact : redact,
    grow: { ...of(settings.grow), ...said.grow },
    threshold: { ...of(settings.threshold), ...said.threshold },
  };
}

function wantedClasses(
  settings: CommonSettings,
  { classes, preset }: Said,
): { readonly wanted: readonly string[]; readonly classes: readonly ClassName[] } {
  const wanted: readonly string[] = classes ?? (preset === undefined ? settings.classes : (PRESETS[preset] ?? []));
  return { wanted, classes: CLASSES.filter((cls) => wanted.includes(cls)) };
}

function modesOf(
  { redact }: CommonSettings,
  said: Said,
  classes: readonly ClassName[],
): Partial<Record<ClassName, string>> {
  if (typeof said.redact === 'string') return Object.fromEntries(classes.map((cls) => [cls, said.redact as string]));
  return { ...Object.fromEntries(classes.map((cls) => [cls, redact[cls]])), ...said.redact };
}
