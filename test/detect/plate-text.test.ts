import { describe, expect, it } from 'vitest';
import type { Box, Detection } from '../../src/core/types.ts';
import { widenByText } from '../../src/detect/plate-text.ts';

type Corners = readonly [number, number, number, number];
const boxOf = ([x1, y1, x2, y2]: Corners): Box => ({ x1, y1, x2, y2 });
const plateAt = (...corners: Corners): Detection => ({ label: 'plate', model: 'p', score: 0.8, box: boxOf(corners) });
const textAt = (...corners: Corners): Detection => ({ label: 'text', model: 'ocr', score: 0.3, box: boxOf(corners) });

// 100 × 30; grown by a fifth: 80…220 × 94…136.
const plate = plateAt(100, 100, 200, 130);

describe('widenByText', () => {
  it.each<[string, Detection[], Corners]>([
    ['no text at all', [], [100, 100, 200, 130]],
    ['its own text', [textAt(105, 103, 195, 127)], [100, 100, 200, 130]],
    ['a last glyph outside', [textAt(102, 102, 225, 128)], [100, 100, 225, 130]],
    ['a first and a last glyph outside', [textAt(80, 102, 222, 128)], [80, 100, 222, 130]],
    ['the second line of a motorcycle', [textAt(110, 128, 190, 146)], [100, 100, 200, 146]],
    [
      'a third line that the second one brings within reach',
      [textAt(110, 128, 190, 146), textAt(110, 148, 190, 164)],
      [100, 100, 200, 164],
    ],
    [
      '…in whichever order they are listed',
      [textAt(110, 148, 190, 164), textAt(110, 128, 190, 146)],
      [100, 100, 200, 164],
    ],
    ['a line around all of it', [textAt(90, 95, 230, 140)], [90, 95, 230, 140]],
    ['a line around all of it, much of it beyond reach', [textAt(50, 70, 350, 145)], [50, 70, 350, 145]],
    ['two fifths within reach', [textAt(196, 105, 256, 125)], [100, 100, 256, 130]],
    ['less than two fifths within reach', [textAt(197, 105, 257, 125)], [100, 100, 200, 130]],
    ['text far away', [textAt(400, 100, 480, 130)], [100, 100, 200, 130]],
    ['the sign above the car', [textAt(100, 20, 200, 50)], [100, 100, 200, 130]],
    ['a huge line that holds the plate', [textAt(90, 90, 230, 166)], [100, 100, 200, 130]],
    ['a line three times as wide', [textAt(100, 100, 400, 130)], [100, 100, 400, 130]],
    ['a line wider than that', [textAt(100, 100, 401, 130)], [100, 100, 200, 130]],
  ])('%s', (_, texts, expected) => {
    const [widened, ...others] = widenByText([plate], texts);
    expect(others).toEqual([]);
    expect(widened).toEqual({ ...plate, box: boxOf(expected) });
  });

  it('never shrinks a plate, and leaves both arguments as they were', () => {
    const texts = [textAt(102, 102, 225, 128), textAt(130, 110, 140, 115)];
    const before = structuredClone([plate, texts]);
    const [widened] = widenByText([plate], texts);
    expect(widened?.box).toMatchObject({ x1: 100, y1: 100, y2: 130 });
    expect([plate, texts]).toEqual(before);
  });

  it('does not grow without end along a row of words', () => {
    const words = Array.from({ length: 20 }, (_, i) => textAt(190 + i * 50, 104, 236 + i * 50, 126));
    const [widened] = widenByText([plate], words);
    expect(widened?.box.x2).toBe(286);
  });

  it('widens each plate by its own text', () => {
    const other = plateAt(500, 100, 600, 130);
    const widened = widenByText([plate, other], [textAt(502, 102, 625, 128)]);
    expect(widened.map((p) => p.box.x2)).toEqual([200, 625]);
  });

  it('gives up an outline that has become too small, and keeps one that has not', () => {
    const outlined = { ...plate, polygon: [] };
    expect(widenByText([outlined], [textAt(102, 102, 225, 128)])[0]).toEqual({
      ...plate,
      box: boxOf([100, 100, 225, 130]),
    });
    for (const text of [textAt(400, 100, 480, 130), textAt(105, 103, 195, 127)]) {
      expect(widenByText([outlined], [text])[0]).toBe(outlined);
    }
  });
});
