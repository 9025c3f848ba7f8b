import { describe, expect, it } from 'vitest';
import { knownPeople } from '../../src/attack/identities.ts';
import { NOTES } from '../../src/attack/notes.ts';
import { renderAttack } from '../../src/attack/page.ts';
import { type Reidentification, reidentify } from '../../src/attack/reidentification.ts';
import type { AttackReport, RedactionReport } from '../../src/attack/report.ts';
import { trialsOf } from '../../src/attack/trials.ts';
import { clusteredShare } from '../../src/eval/statistics.ts';

const people = Array.from({ length: 12 }, (_, i) => i >> 1);
const found = reidentify(
  trialsOf(12, (g, p) => Math.abs((people[g] as number) - (people[p] as number))),
  knownPeople(people),
) as Reidentification;
const share = (hits: number) => clusteredShare([{ hits, n: 10 }]);

const redaction = (name: string, attacked: Reidentification | null): RedactionReport => ({
  name,
  photographs: 12,
  missing: 2,
  failed: [{ photograph: 'ann-secret.jpg', stage: 'decode', reason: 'truncated' }],
  untouchedFaces: 0,
  faces: 12,
  naive: attacked,
  parrot: attacked,
  pixels: attacked,
  source: null,
  legibility: { plate: null, text: null },
  utility: { face: share(5), body: share(0), plate: share(0), text: share(0) },
  images: null,
});

const report = (redactions: readonly RedactionReport[], original: Reidentification | null = found): AttackReport => ({
  v: 1,
  version: '0',
  quality: 'fast',
  classes: ['face', 'text'],
  models: ['face:x@sha256:0123456789abcdef'],
  photographs: 12,
  failed: [{ photograph: 'bob-secret.jpg', stage: 'decode', reason: 'corrupt' }],
  withoutFace: ['eve-secret.jpg'],
  people: { photographs: 12, people: 6, withMates: 6 },
  noIdentification: original ? null : 'there is one person only',
  original,
  originalPixels: original,
  strings: { plate: { found: 0, known: 0 }, text: { found: 3, known: 1 } },
  frechetOfHalves: null,
  redactions,
  notes: NOTES,
  seconds: 1,
});

describe('the page of an attack', () => {
  it('plots every mode, naive and parrot, and marks what is above chance', () => {
    const page = renderAttack(report([redaction('blur', found), redaction('<b>own</b>', found)]));
    expect(page.match(/<circle [^>]*><title>/g)).toHaveLength(4);
    expect(page).toContain('blur, parrot: rank 1 1.00 (');
    expect(page).toContain('<span class="above">above chance</span>');
    expect(page).not.toContain('<b>own');
  });

  it('counts what was left out without naming it', () => {
    const page = renderAttack(report([redaction('blur', found)]));
    expect(page).not.toContain('secret');
    for (const why of [
      'no face found',
      'original: decode: corrupt',
      'blur: no redacted photograph',
      'blur: decode: truncated',
    ]) {
      expect(page).toContain(`<td>${why}</td>`);
    }
  });

  it('says why people are not told apart, and has no plot then', () => {
    const page = renderAttack(report([redaction('blur', null)], null));
    expect(page).toContain('People are not told apart: there is one person only.');
    expect(page).not.toContain('<svg');
  });
});
