import { describe, expect, it } from 'vitest';
import { boundingBox, containment, rectCorners } from '../../src/core/geometry.ts';
import type { Box, Detection } from '../../src/core/types.ts';
import { platesByShape, withoutPlates } from '../../src/detect/plate-shape.ts';

const car: Box = { x1: 100, y1: 100, x2: 500, y2: 400 };
const options = { id: 'plate-shape', threshold: 0.4, alone: true };

/** A line of text around a point; `angle` in degrees. */
function line(width: number, height: number, at = { x: 300, y: 300 }, angle = 0, score = 0.9): Detection {
  const polygon = rectCorners({ cx: at.x, cy: at.y, width, height, angle: (angle * Math.PI) / 180 });
  return { label: 'text', model: 'ocr', score, polygon, box: boundingBox(polygon) };
}

const street = { x: 700, y: 300 };

describe('platesByShape', () => {
  it.each([
    ['long', line(100, 22, street), true],
    ['as short as a plate gets', line(45, 20, street), true],
    ['too short', line(40, 20, street), false],
    ['as long as a plate gets', line(148, 20, street), true],
    ['too long', line(152, 20, street), false],
    ['tilted by 30°', line(100, 22, street, 30), true],
    ['tilted by -30°', line(100, 22, street, -30), true],
    ['tilted by 40°', line(100, 22, street, 40), false],
    ['upright', line(22, 100, street), false],
    ['faint', line(100, 22, street, 0, 0.39), false],
    ['upside down', line(100, 22, street, 180), true],
  ])('judges a line alone that is %s', (_, text, taken) => {
    expect(platesByShape([text], [car], options)).toHaveLength(taken ? 1 : 0);
  });

  it.each([
    ['nearly square', line(26, 20), true],
    ['square', line(20, 20), false],
    ['very long', line(170, 20), true],
    ['longer than any plate', line(190, 20), false],
    ['tilted by 40°', line(100, 22, { x: 300, y: 300 }, 40), false],
    ['wider than most of the vehicle', line(285, 60), false],
    ['hanging over its edge', line(26, 20, { x: 505, y: 300 }), false],
    ['mostly on it', line(26, 20, { x: 489, y: 300 }), true],
  ])('judges a line on a vehicle that is %s', (_, text, taken) => {
    expect(platesByShape([text], [car], { ...options, alone: false })).toHaveLength(taken ? 1 : 0);
  });

  it('wants a vehicle around it unless lines alone count', () => {
    const texts = [line(100, 22), line(100, 22, street)];
    const plates = platesByShape(texts, [car], { ...options, alone: false });
    expect(plates.map((p) => p.box)).toEqual([texts[0]?.box]);
    expect(platesByShape(texts, [], { ...options, alone: false })).toEqual([]);
  });

  it('keeps place, outline and score, and says which rule it was', () => {
    const text = line(100, 22, street, 10);
    expect(platesByShape([text], [], options)).toEqual([{ ...text, label: 'plate', model: 'plate-shape' }]);
  });

  it('reads a box where there is no outline', () => {
    const box = { x1: 700, y1: 300, x2: 800, y2: 325 };
    expect(platesByShape([{ label: 'text', model: 'ocr', score: 0.9, box }], [], options)).toHaveLength(1);
  });
});

describe('withoutPlates', () => {
  const plate = (box: Box): Detection => ({ label: 'plate', model: 'p', score: 0.8, box });
  const text = line(100, 20, { x: 150, y: 110 });

  it.each([
    ['the same box', { x1: 100, y1: 100, x2: 200, y2: 120 }, true],
    ['a box around it', { x1: 90, y1: 60, x2: 210, y2: 130 }, true],
    ['a box that holds nine tenths', { x1: 100, y1: 100, x2: 190.1, y2: 120 }, true],
    ['a box that leaves the last character', { x1: 100, y1: 100, x2: 185, y2: 120 }, false],
    ['a box elsewhere', { x1: 400, y1: 100, x2: 500, y2: 120 }, false],
  ])('lists a text that a plate stands for only once: %s', (_, box, dropped) => {
    expect(withoutPlates([text], [plate(box)])).toEqual(dropped ? [] : [text]);
  });

  it('keeps text beside the outline of a tilted plate', () => {
    // Only the outline is redacted, not the box around it.
    const tilted: Detection = { ...line(200, 40, { x: 200, y: 200 }, 30), label: 'plate', model: 'plate-shape' };
    const beside = line(40, 14, { x: 260, y: 150 });
    const on = line(120, 20, { x: 200, y: 200 }, 30);
    expect(containment(beside.box, tilted.box)).toBe(1);
    expect(withoutPlates([beside, on], [tilted])).toEqual([beside]);
  });
});
