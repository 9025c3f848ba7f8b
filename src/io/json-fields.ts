/** Levels of lists and objects in a `.json` member. */
const MAX_DEPTH = 32;

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };
export type Fields = Readonly<Record<string, JsonValue>>;

/** What all values of a field are written as. `nested`: lists and objects, as JSON text in a string. */
type FieldType = 'boolean' | 'integer' | 'number' | 'string' | 'nested';

/** Why something of a sample cannot pass: a stable code that may be public. */
export class KeepError extends Error {
  readonly reason: string;

  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** The text of bytes that are UTF-8. @throws KeepError */
export function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new KeepError('keep-not-utf8', 'Expected UTF-8 text but received other bytes');
  }
}

/**
 * The wanted fields of a JSON object, and how many others it has.
 * @throws KeepError for other bytes, and for numbers that cannot be written again as they were.
 */
export function readFields(
  bytes: Uint8Array,
  wanted: readonly string[],
): { readonly fields: Fields; readonly others: number } {
  const text = utf8(bytes);
  assertShallow(text);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new KeepError('keep-not-json', 'Expected a JSON object but received another text');
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new KeepError('keep-not-json', 'Expected a JSON object but received another value');
  }
  const taken = wanted.filter((name) => Object.hasOwn(json, name));
  const fields = Object.fromEntries(taken.map((name) => [name, (json as Fields)[name] as JsonValue]));
  for (const value of Object.values(fields)) assertExact(value);
  return { fields, others: Object.keys(json).length - taken.length };
}

/** Before it is parsed: what is nested too deeply would overflow the stack later. */
function assertShallow(text: string): void {
  let depth = 0;
  let isString = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (isString) {
      if (character === '\\') i++;
      else if (character === '"') isString = false;
    } else if (character === '"') isString = true;
    else if (character === '{' || character === '[') depth++;
    else if (character === '}' || character === ']') depth--;
    if (depth > MAX_DEPTH) throw new KeepError('keep-too-deep', `Expected at most ${MAX_DEPTH} levels of JSON`);
  }
}

function assertExact(value: JsonValue): void {
  if (typeof value === 'number') {
    if (Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value))) return;
    throw new KeepError('keep-number', 'Expected numbers of at most 53 bits but received a larger one');
  }
  if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) assertExact(inner);
}

function typeOf(value: JsonValue): FieldType | undefined {
  if (value === null) return undefined;
  if (typeof value === 'object') return 'nested';
  if (typeof value !== 'number') return typeof value as 'boolean' | 'string';
  return Number.isInteger(value) ? 'integer' : 'number';
}

/**
 * One type for each field over all samples, since readers take it from the first few: the commonest of those that
 * occur, where integers count as numbers as soon as one is none.
 */
export class FieldTypes {
  readonly #counts = new Map<string, Map<FieldType, number>>();
  readonly #names: readonly string[];

  constructor(names: readonly string[]) {
    this.#names = names;
  }

  /** Takes note of the fields of a sample. */
  note(fields: Fields): void {
    for (const [name, value] of Object.entries(fields)) {
      const type = typeOf(value);
      if (type === undefined) continue;
      const counts = this.#counts.get(name) ?? new Map<FieldType, number>();
      counts.set(type, (counts.get(type) ?? 0) + 1);
      this.#counts.set(name, counts);
    }
  }

  /** Fields that no sample has. */
  get absent(): string[] {
    return this.#names.filter((name) => !this.#counts.has(name));
  }

  #typeOf(name: string): FieldType | undefined {
    const counts = new Map(this.#counts.get(name));
    const integers = counts.get('integer') ?? 0;
    if (counts.has('number') && integers > 0) {
      counts.set('number', (counts.get('number') ?? 0) + integers);
      counts.delete('integer');
    }
    return [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))[0]?.[0];
  }

  /**
   * All fields as one JSON object, a field that is missing as null.
   * @throws KeepError for a value of another type than the field has in most samples.
   */
  write(fields: Fields): Uint8Array {
    const entries = this.#names.map((name) => {
      const value = Object.hasOwn(fields, name) ? (fields[name] ?? null) : null;
      return `${JSON.stringify(name)}:${writeAs(this.#typeOf(name), value)}`;
    });
    return Buffer.from(`{${entries.join(',')}}`);
  }
}

function writeAs(wanted: FieldType | undefined, value: JsonValue): string {
  const type = typeOf(value);
  if (type === undefined) return 'null';
  const text = JSON.stringify(value);
  if (type === 'nested' && wanted === 'nested') return JSON.stringify(text);
  // A reader that has seen 1 expects integers from then on.
  if (wanted === 'number' && type === 'integer') return /[.e]/.test(text) ? text : `${text}.0`;
  if (type === wanted) return text;
  throw new KeepError('keep-type', `Expected a value of type ${wanted} but received one of type ${type}`);
}
