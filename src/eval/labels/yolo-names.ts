import { UsageError } from '../../errors.ts';

/** What a YOLO data set says about its categories. */
export interface YoloNames {
  /** Category names by the number that label lines use. */
  readonly names: ReadonlyMap<number, string>;
  /** Numbers per line that follow the box, for data sets with keypoints. */
  readonly keypointValues: number;
}

/** `classes.txt`, `obj.names`: one name per line, numbered from 0. */
export function parseNameList(text: string, file: string): YoloNames {
  const lines = text.trimEnd().split(/\r?\n/);
  const names = lines.map((line, i) => {
    if (line.trim() !== '') return line.trim();
    throw new UsageError(`${file}:${i + 1}: expected a category name but received an empty line`);
  });
  return { names: new Map(names.entries()), keypointValues: 0 };
}

/**
 * Reads `names` and `kpt_shape` of a `data.yaml`: a list or a map from numbers to names, in lines or in brackets.
 * Anchors, tags, aliases, block scalars and unusual escapes are not understood.
 *
 * @returns undefined for a yaml file without `names`.
 * @throws UsageError naming the file and line, what was expected and what was received.
 */
export function parseDataYaml(text: string, file: string): YoloNames | undefined {
  const lines = text.split(/\r?\n/);
  const start = lines.findIndex((line) => /^(names|"names"|'names')\s*:(\s|$)/.test(line));
  if (start < 0) return undefined;
  const value = (lines[start] as string).replace(/^[^:]*:\s*/, '');
  const names = new Map<number, string>();
  const add: Add = (key, name, line) => {
    const index = key === undefined ? names.size : Number(key);
    if (!names.has(index)) names.set(index, name);
    else throw new UsageError(`${file}:${line()}: expected every number once but received ${index} twice`);
  };
  if (/^[[{]/.test(value)) parseFlow([value, ...lines.slice(start + 1)], file, start + 1, add);
  else if (value === '' || value.startsWith('#')) parseBlock(lines, file, start + 1, add);
  else throw new UsageError(`${file}:${start + 1}: expected a list or a map of names but received ${clip(value)}`);
  if (names.size === 0) throw new UsageError(`${file}:${start + 1}: expected category names but received none`);
  return { names, keypointValues: parseKeypoints(lines, file) };
}

/** `line` is asked for only when something is wrong: to count lines takes time. */
type Add = (key: string | undefined, name: string, line: () => number) => void;

/** `- name`, `0: name`, each with an optional comment, up to the next key of the file. */
function parseBlock(lines: readonly string[], file: string, start: number, add: Add): void {
  let keyed: boolean | undefined;
  for (let i = start; i < lines.length; i++) {
    const line = lines[i] as string;
    if (/^\s*(#|$)/.test(line)) continue;
    if (!/^(\s|-\s|["']?\d+["']?\s*:)/.test(line)) return;
    const head = /^\s*(?:-\s+|["']?(\d+)["']?\s*:\s+)/.exec(line);
    const name = head && readScalar(line, head[0].length, '');
    const key = head?.[1];
    const isItem = name && /^\s*(#.*)?$/.test(line.slice(name.end));
    if (!isItem || (keyed !== undefined && keyed !== (key !== undefined))) {
      throw new UsageError(`${file}:${i + 1}: expected "- name" or "0: name" but received ${clip(line)}`);
    }
    keyed = key !== undefined;
    add(key, name.value, () => i + 1);
  }
}

/** `[a, b]`, `{0: a, 1: b}`, also over several lines. */
function parseFlow(lines: readonly string[], file: string, start: number, add: Add): void {
  const text = lines.join('\n');
  const close = text.startsWith('[') ? ']' : '}';
  let at = skipSpace(text, 1);
  while (text[at] !== close) {
    const from = at;
    const line = (): number => start + text.slice(0, from).split('\n').length - 1;
    const fail = (): never => {
      const wanted = close === ']' ? 'a name' : '"0: name"';
      throw new UsageError(
        `${file}:${line()}: expected ${wanted} in brackets but received ${clip(text.slice(from, from + 200))}`,
      );
    };
    const head = close === '}' ? (matchAt(/["']?(\d+)["']?\s*:\s+/y, text, at) ?? fail()) : undefined;
    const name = readScalar(text, at + (head?.[0].length ?? 0), ',[]{}') ?? fail();
    add(head?.[1], name.value, line);
    at = skipSpace(text, name.end);
    if (text[at] === ',') at = skipSpace(text, at + 1);
    else if (text[at] !== close) fail();
  }
}

/** The place behind white space and comments. */
function skipSpace(text: string, at: number): number {
  let end = at;
  for (let space = matchAt(/\s+|#.*/y, text, end); space !== null; space = matchAt(/\s+|#.*/y, text, end)) {
    end += space[0].length;
  }
  return end;
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

interface Scalar {
  readonly value: string;
  /** The place behind it. */
  readonly end: number;
}

/** A scalar within one line; a plain one ends at a comment or at one of `stops`. */
function readScalar(text: string, at: number, stops: string): Scalar | undefined {
  const quote = text[at];
  if (quote === '"' || quote === "'") return readQuoted(text, at, quote);
  if (quote === undefined || /[\s&*!|>%@`{}[\],#?:]/.test(quote) || /-\s/.test(text.slice(at, at + 2)))
    return undefined;
  let end = at;
  for (; end < text.length && text[end] !== '\n' && !stops.includes(text[end] as string); end++) {
    const isLast = end + 1 === text.length || /\s/.test(text[end + 1] as string);
    if (text[end] === ':' && isLast) return undefined;
    if (text[end] === '#' && /\s/.test(text[end - 1] as string)) break;
  }
  return { value: text.slice(at, end).trim(), end };
}

function readQuoted(text: string, at: number, quote: string): Scalar | undefined {
  let value = '';
  for (let i = at + 1; i < text.length && text[i] !== '\n'; i++) {
    const next = text[i + 1];
    if (quote === '"' && text[i] === '\\') {
      if (next === undefined || !'"\\/'.includes(next)) return undefined;
      value += next;
      i++;
    } else if (text[i] !== quote) {
      value += text[i];
    } else if (quote === "'" && next === "'") {
      value += "'";
      i++;
    } else {
      return { value, end: i + 1 };
    }
  }
  return undefined;
}

function parseKeypoints(lines: readonly string[], file: string): number {
  const at = lines.findIndex((line) => /^kpt_shape\s*:/.test(line));
  if (at < 0) return 0;
  const shape = /^kpt_shape\s*:\s*\[\s*(\d{1,4})\s*,\s*([23])\s*\]\s*(#.*)?$/.exec(lines[at] as string);
  if (shape !== null) return Number(shape[1]) * Number(shape[2]);
  throw new UsageError(
    `${file}:${at + 1}: expected kpt_shape: [count, 2 or 3] but received ${clip(lines[at] as string)}`,
  );
}

function clip(text: string): string {
  return JSON.stringify(text.trim().slice(0, 60));
}
