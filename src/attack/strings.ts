import { distance } from 'fastest-levenshtein';

/** So many characters in a row give a string away. */
export const TELLING = 3;

/** Letters and digits of any script, capitals; what lies between does not identify anything. */
export function normalise(text: string): string {
  return text
    .normalize('NFKC')
    .toUpperCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
}

/** Whether `TELLING` consecutive characters of the source appear in what was read; both normalised. */
export function isRecovered(source: string, read: string): boolean {
  const [from, within] = [[...source], [...read].join('')];
  for (let i = 0; i + TELLING <= from.length; i++) {
    if (within.includes(from.slice(i, i + TELLING).join(''))) return true;
  }
  return false;
}

/** 1 for equal strings, 0 for strings without anything in common (Levenshtein, 1966). */
export function similarity(a: string, b: string): number {
  const longest = Math.max(a.length, b.length);
  return longest === 0 ? 1 : 1 - distance(a, b) / longest;
}
