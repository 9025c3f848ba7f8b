import { resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TargetNames } from '../../src/io/target-names.ts';
import { isWithin } from '../../src/paths.ts';

const segment = fc.oneof(
  fc.constantFrom(
    'a',
    'A',
    'a.jpg',
    'A.JPG',
    'a~1.jpg',
    'a.cls',
    '_anonymize',
    '.staging-00000',
    'e\u0301',
    '\u00e9',
    'x.',
  ),
  fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 300 })
    .filter((s) => !/[/\0]/.test(s) && s !== '.' && s !== '..'),
);
const path = fc.array(segment, { minLength: 1, maxLength: 3 }).map((segments) => segments.join('/'));
const request = fc.oneof(
  fc.tuple(path),
  fc.tuple(
    path.map((name) => `${name}.jpg`),
    fc.constantFrom(['cls'], ['labels.json', 'txt', 'a_long.extension_of.more_than.most_have'], []),
  ),
);

/** Every folder on the way to a path. */
function foldersOf(name: string): string[] {
  const segments = name.split('/');
  return segments.slice(1).map((_, i) => segments.slice(0, i + 1).join('/'));
}

describe('TargetNames', () => {
  it('gives each request files of its own inside the folder, on every file system, and again the same ones', () => {
    fc.assert(
      fc.property(fc.array(request, { maxLength: 25 }), (requests) => {
        const claim = (): string[][] => {
          const names = new TargetNames();
          return requests.map(([wanted, extensions]) => {
            const target = names.claim(wanted, extensions);
            return [target.path, ...target.sidecars];
          });
        };
        const claimed = claim();
        expect(claim()).toEqual(claimed);
        const files = claimed.flat().map((name) => name.normalize('NFC').toLowerCase());
        expect(new Set(files).size).toBe(files.length);
        const folders = new Set(files.flatMap(foldersOf));
        for (const file of files) {
          expect(folders.has(file)).toBe(false);
          expect(isWithin(resolve('/out', file), '/out')).toBe(true);
          expect(file).not.toMatch(/^(_anonymize|\.staging-\d+)(\/|$)/);
          for (const name of file.split('/')) expect(Buffer.byteLength(name)).toBeLessThan(256);
        }
      }),
    );
  });
});
