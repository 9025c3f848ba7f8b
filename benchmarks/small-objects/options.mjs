import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { UsageError } from '../../dist/errors.js';

export const FOLDERS = { face: 'faces', plate: 'plates' };
/** `eval` breaks an attribute of more values down no further. */
const MOST_HEIGHTS = 12;
const QUALITIES = ['fast', 'balanced', 'max'];

export const USAGE = `node benchmarks/small-objects.mjs --data <labelled folder> --backgrounds <folder> --out <dir> [options]

  --data <dir>          holds faces/ and plates/ in the native form; may be given several times
  --backgrounds <dir>   large photographs; boxes of an annotations.json there are kept free
  --out <dir>           new or empty; receives faces/ and plates/ in the native form
  --classes <list>      face,plate
  --heights <list>      up to 12, in pixels (8,10,12,14,16,20,24,32,48,64,96,128)
  --per-height <n>      photographs, each with one object of every height (60)
  --megapixels <n>      of a photograph (12)
  --seed <n>            (1)
  --qualities <list>    fast,balanced,max
  --model <class=id|path,…>  other models than the default ones
  --limit <n>           measures only so many of the photographs
  --json <file>         writes everything
  --svg <file>          draws the curves
  --make-only           makes the set and measures nothing
  --evaluate-only       measures the set that --out holds`;

/**
 * @param {string[]} args
 * @throws UsageError naming the option, what was expected and what was received
 */
export function readOptions(args) {
  const values = parse(args);
  const evaluateOnly = values['evaluate-only'];
  if (evaluateOnly && values['make-only']) {
    throw new UsageError('Expected one of --make-only and --evaluate-only but received both');
  }
  if (values.out === undefined) throw new UsageError('Expected a folder for --out but received nothing');
  const options = {
    data: values.data ?? [],
    backgrounds: values.backgrounds,
    out: path.resolve(values.out),
    classes: list(values.classes, '--classes', Object.keys(FOLDERS)),
    heights: numbers(values.heights, '--heights', 4, 512).sort((a, b) => a - b),
    perHeight: number(values['per-height'], '--per-height', 1, 10_000, true),
    megapixels: number(values.megapixels, '--megapixels', 1, 100),
    seed: number(values.seed, '--seed', 0, 2 ** 32, true),
    qualities: list(values.qualities, '--qualities', QUALITIES),
    model: assignments(values.model),
    limit: values.limit === undefined ? undefined : number(values.limit, '--limit', 1, 1e6, true),
    json: values.json,
    svg: values.svg,
    make: !evaluateOnly,
    evaluate: !values['make-only'],
  };
  if (options.make) {
    if (options.data.length === 0) throw new UsageError('Expected a labelled folder for --data but received nothing');
    if (options.backgrounds === undefined) {
      throw new UsageError('Expected a folder of large photographs for --backgrounds but received nothing');
    }
    for (const data of options.data) assertFolder(data, '--data');
    assertFolder(options.backgrounds, '--backgrounds');
  } else assertFolder(options.out, '--out');
  // A long run that cannot write its result would be lost.
  for (const name of ['json', 'svg']) {
    if (options[name] !== undefined) assertFolder(path.dirname(path.resolve(options[name])), `the folder of --${name}`);
  }
  return options;
}

function parse(args) {
  try {
    return parseArgs({
      args,
      options: {
        data: { type: 'string', multiple: true },
        backgrounds: { type: 'string' },
        out: { type: 'string' },
        classes: { type: 'string', default: 'face,plate' },
        heights: { type: 'string', default: '8,10,12,14,16,20,24,32,48,64,96,128' },
        'per-height': { type: 'string', default: '60' },
        megapixels: { type: 'string', default: '12' },
        seed: { type: 'string', default: '1' },
        qualities: { type: 'string', default: QUALITIES.join(',') },
        model: { type: 'string', default: '' },
        limit: { type: 'string' },
        json: { type: 'string' },
        svg: { type: 'string' },
        'make-only': { type: 'boolean', default: false },
        'evaluate-only': { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error.message, { cause: error });
  }
}

function number(text, option, least, most, whole = false) {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most && (!whole || Number.isInteger(value))) return value;
  throw new UsageError(
    `Expected a ${whole ? 'whole ' : ''}number from ${least} to ${most} for ${option} but received ${text}`,
  );
}

function numbers(text, option, least, most) {
  const all = text.split(',').map((part) => number(part.trim(), option, least, most, true));
  if (all.length > MOST_HEIGHTS) {
    throw new UsageError(`Expected at most ${MOST_HEIGHTS} heights for ${option} but received ${all.length}`);
  }
  if (new Set(all).size === all.length) return all;
  throw new UsageError(`Expected every height once for ${option} but received ${text}`);
}

function list(text, option, known) {
  const all = text.split(',').map((part) => part.trim());
  const wrong = all.find((name) => !known.includes(name));
  if (wrong !== undefined) {
    throw new UsageError(`Expected some of ${known.join(', ')} for ${option} but received ${wrong || 'nothing'}`);
  }
  return [...new Set(all)];
}

/** `face=a,plate=b` → { face: 'a', plate: 'b' } */
function assignments(text) {
  const pairs = text.split(',').filter((part) => part !== '');
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new UsageError(`Expected <class>=<id or path> for --model but received ${pair}`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

function assertFolder(folder, option) {
  if (existsSync(folder) && statSync(folder).isDirectory()) return;
  throw new UsageError(`Expected an existing folder for ${option} but received ${folder}`);
}
