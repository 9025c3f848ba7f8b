import { InvalidArgumentError } from 'commander';
import { CLASSES } from '../core/types.ts';

/** `face,body` → ['face', 'body'] */
export function list(value: string): string[] {
  return value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** `face=a,body=b` → { face: 'a', body: 'b' }; given twice, the later entries win. */
export function assignments(value: string, previous: Record<string, string> = {}): Record<string, string> {
  const entries = list(value).map((item) => {
    const at = item.indexOf('=');
    if (at < 1) throw new InvalidArgumentError(`Expected <class>=<value> but received ${JSON.stringify(item)}`);
    return [item.slice(0, at), item.slice(at + 1)] as const;
  });
  return { ...previous, ...Object.fromEntries(entries) };
}

/** `face=0.5` → { face: 0.5 } */
export function numericAssignments(value: string, previous: Record<string, number> = {}): Record<string, number> {
  const entries = Object.entries(assignments(value)).map(([key, text]) => [key, number(text)] as const);
  return { ...previous, ...Object.fromEntries(entries) };
}

/** One mode for all classes (`solid`) or a mode by class (`face=solid,text=blur`); given twice, the later entries win. */
export function modes(value: string, previous?: string | Record<string, string>): string | Record<string, string> {
  if (!value.includes('=')) return value.trim();
  const all = typeof previous === 'string' ? Object.fromEntries(CLASSES.map((c) => [c, previous])) : previous;
  return assignments(value, all);
}

/** A decimal number; `1e8` is one, an empty string or `12px` is not. */
export function number(value: string): number {
  const result = value.trim() === '' ? Number.NaN : Number(value);
  if (!Number.isFinite(result))
    throw new InvalidArgumentError(`Expected a number but received ${JSON.stringify(value)}`);
  return result;
}
