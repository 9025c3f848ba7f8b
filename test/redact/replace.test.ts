import { describe, expect, it } from 'vitest';
import { withoutErased } from '../../src/redact/replace.ts';
import { detect, regionOf } from './scenes.ts';

const plate = regionOf(detect('plate', [20, 20, 80, 40]), 'synthetic', 200, 100);
const onIt = regionOf(detect('text', [30, 24, 70, 36]), 'synthetic', 200, 100);
const beside = regionOf(detect('text', [100, 24, 140, 36]), 'synthetic', 200, 100);

describe('what goes with something else', () => {
  it('is the text on a plate that is replaced', () => {
    expect(withoutErased([plate, onIt, beside]).map((r) => r.mode)).toEqual(['synthetic', 'inpaint', 'synthetic']);
  });

  it('is not the text on a plate that is not, or text with a mode of its own', () => {
    const blurred = { ...plate, mode: 'blur' } as const;
    const solid = { ...onIt, mode: 'solid' } as const;
    expect(withoutErased([blurred, onIt]).map((r) => r.mode)).toEqual(['blur', 'synthetic']);
    expect(withoutErased([plate, solid]).map((r) => r.mode)).toEqual(['synthetic', 'solid']);
  });
});
