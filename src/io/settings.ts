import type { PrivateRun } from './private-run.ts';

type Settings = Readonly<Record<string, unknown>>;

/** Says nothing more where another setting differs, since it is a hash of most of them. */
const POLICY = 'policy';

/**
 * What differs between the settings in run.json and those of this run, such as `redact.face: blur → solid`.
 * Only what this run sets is compared.
 */
export function differingSettings(earlier: Settings, now: Settings): string[] {
  const before = flatten(earlier);
  const differences = [...flatten(now)]
    .filter(([name, value]) => before.get(name) !== value)
    .map(([name, value]) => ({ name, text: `${name}: ${before.get(name) ?? 'nothing'} → ${value}` }));
  const named = differences.filter(({ name }) => name !== POLICY);
  if (named.length > 0 || differences.length === 0) return named.map(({ text }) => text);
  return ['a setting that run.json does not tell, such as --seed'];
}

/** `differingSettings` of what only private folders tell. */
export function differingPrivateRuns(earlier: PrivateRun, now: PrivateRun): string[] {
  const { seed, boxes, corrections, listing, sourceIdKey } = now;
  // A run that was finalized tells no list: its logs tell every sample.
  const isListed = earlier.listing !== undefined && listing !== undefined;
  const hasKeys = earlier.sourceIdKey !== undefined && sourceIdKey !== undefined;
  return differingSettings(earlier, {
    seed,
    boxes,
    corrections,
    ...(isListed ? { listing } : {}),
    ...(hasKeys ? { sourceIdKey } : {}),
  });
}

/** Values by path, named as options are: `samplesPerShard` → `samples-per-shard`, `redact.face`. */
function flatten(settings: Settings, prefix = ''): Map<string, string> {
  const values = new Map<string, string>();
  for (const [key, value] of Object.entries(settings)) {
    const name = prefix + key.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);
    if (Array.isArray(value)) values.set(name, value.join(','));
    else if (typeof value !== 'object' || value === null) values.set(name, String(value));
    else for (const [inner, text] of flatten(value as Settings, `${name}.`)) values.set(inner, text);
  }
  return values;
}
