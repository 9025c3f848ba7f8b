import type { Random } from '../random.ts';

/**
 * All letters are about as likely, vowels twice as much: with the frequencies of a language, three in a row would
 * often be some that had been written there.
 */
const LETTERS = [...'abcdefghijklmnopqrstuvwxyzaeiou'];
const DIGITS = [...'0123456789'];
const LONGEST_NUMBER = 4;

/** A word of random letters, or now and then a number. */
export function randomWord(random: Random, length: number): string {
  if (random.next() >= 0.1) return Array.from({ length }, () => random.pick(LETTERS)).join('');
  return Array.from({ length: Math.min(length, LONGEST_NUMBER) }, () => random.pick(DIGITS)).join('');
}
