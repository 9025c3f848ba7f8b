import type { Random } from '../random.ts';

/** Letters as often as in English (Norvig, 2012), a dozen of each frequent one. */
const LETTERS =
  'eeeeeeeeeeeetttttttttaaaaaaaaooooooooiiiiiiiinnnnnnnsssssssrrrrrrhhhhhllllddddcccuuummmffppggwyybbvk' + 'xjqz';
const CONSONANTS = [...LETTERS].filter((c) => !'aeiou'.includes(c));
const VOWELS = [...LETTERS].filter((c) => 'aeiou'.includes(c));
const DIGITS = [...'0123456789'];

/** A word of random letters, or now and then a number. Pronounceable, so that it has the rhythm of a word. */
export function randomWord(random: Random, length: number): string {
  if (random.next() < 0.1) return Array.from({ length: Math.min(length, 4) }, () => random.pick(DIGITS)).join('');
  let vowel = random.next() < 0.4;
  let word = '';
  while (word.length < length) {
    word += random.pick(vowel ? VOWELS : CONSONANTS);
    // Now and then two of a kind follow each other.
    if (random.next() < 0.85) vowel = !vowel;
  }
  return word;
}
