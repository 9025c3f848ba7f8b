import { dirname } from 'node:path';
import { UsageError } from '../../errors.ts';
import type { LabelFiles } from './find.ts';
import { readText } from './text.ts';
import { parseDataYaml, parseNameList, type YoloNames } from './yolo-names.ts';

export interface YoloConfig extends YoloNames {
  /** The file that lists the names, and its folder. Absolute. */
  readonly file: string;
  readonly folder: string;
}

export interface YoloConfigs {
  readonly count: number;
  /**
   * What applies to a label file: what lies in the nearest folder above it, or else the only one that there is.
   * @throws UsageError when neither exists.
   */
  of(file: string): YoloConfig;
}

/**
 * Reads every `names` of a yaml file and every list of names.
 * @throws UsageError for names that are not understood, or two lists in one folder that differ.
 */
export async function findYoloConfigs({ root, yaml, lists }: LabelFiles): Promise<YoloConfigs> {
  const configs = new Map<string, YoloConfig>();
  const parsers = [
    ...yaml.map((file) => [file, parseDataYaml] as const),
    ...lists.map((file) => [file, parseNameList] as const),
  ];
  for (const [file, parse] of parsers) {
    const names = parse(await readText(file), file);
    if (names === undefined) continue;
    const folder = dirname(file);
    const known = configs.get(folder);
    if (known === undefined) configs.set(folder, { ...names, file, folder });
    else assertAlike(known, { ...names, file, folder });
  }
  const of = (file: string): YoloConfig => {
    for (let folder = dirname(file); ; folder = dirname(folder)) {
      const config = configs.get(folder);
      if (config !== undefined) return config;
      if (folder === root || folder === dirname(folder)) break;
    }
    const [only, second] = configs.values();
    if (only !== undefined && second === undefined) return only;
    throw new UsageError(`Expected data.yaml with names, or classes.txt, above ${file} but found them elsewhere only`);
  };
  return { count: configs.size, of };
}

function assertAlike(a: YoloConfig, b: YoloConfig): void {
  const [first, second] = [a, b].map(({ names }) => JSON.stringify([...names].sort(([i], [k]) => i - k)));
  if (first === second) return;
  throw new UsageError(`Expected one list of category names in ${a.folder} but ${a.file} and ${b.file} differ`);
}
