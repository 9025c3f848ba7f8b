import { describe, expect, it } from 'vitest';
import type { Label } from '../../src/core/types.ts';
import { type DecodeContext, Outputs, type RawDetection } from '../../src/detect/decoder.ts';
import { DECODERS } from '../../src/detect/families/index.ts';
import { ModelError } from '../../src/errors.ts';
import { FAMILIES, type Family } from '../../src/models/manifest.ts';
import type { OutputTensor } from '../../src/models/session.ts';

type Tensors = Record<string, OutputTensor>;

function tensor(shape: readonly number[], entries: Readonly<Record<number, readonly number[]>> = {}): OutputTensor {
  const data = new Float32Array(shape.reduce((n, d) => n * d, 1));
  for (const [at, values] of Object.entries(entries)) data.set(values, Number(at));
  return { data, shape };
}

/** Row `i` of a YOLOX output with 80 classes of which `scores` are set. */
function yoloxRow(i: number, box: readonly number[], objectness: number, scores: Readonly<Record<number, number>>) {
  const row = new Array<number>(85).fill(0);
  row.splice(0, 5, ...box, objectness);
  for (const [cls, score] of Object.entries(scores)) row[5 + Number(cls)] = score;
  return { [i * 85]: row };
}

interface Peak {
  readonly cls: number;
  readonly column: number;
  readonly row: number;
  readonly score: number;
  /** Left, top, right, bottom. */
  readonly sides: readonly number[];
}

/** CenterNet's maps for an input of this size, 0 where no peak is. */
function centernetMaps(width: number, height: number, peaks: readonly Peak[]): Tensors {
  const [rows, columns] = [height / 4, width / 4];
  const scores = tensor([1, 80, rows, columns]);
  const sizes = tensor([1, 4, rows, columns]);
  for (const { cls, column, row, score, sides } of peaks) {
    scores.data[(cls * rows + row) * columns + column] = score;
    for (const [i, side] of sides.entries()) sizes.data[(i * rows + row) * columns + column] = side;
  }
  return { 'tower_0/mul_1': scores, 'tower_0/mul': sizes };
}

interface Case {
  readonly family: Family;
  readonly size: { readonly width: number; readonly height: number };
  readonly keep: DecodeContext['keep'];
  readonly outputs: () => Tensors;
  readonly expected: readonly RawDetection[];
  /** An output with a wrong shape, and what the message must say. */
  readonly wrong: readonly [name: string, shape: readonly number[], message: string];
}

const cases: readonly Case[] = [
  {
    family: 'ssd',
    size: { width: 512, height: 256 },
    keep: { face: 0.3 },
    outputs: () => ({
      boxes: tensor([1, 3, 4], { 0: [0.25, 0.5, 0.5, 1], 4: [0.1, 0.1, 0.2, 0.2], 8: [-0.1, 0, 0.125, 0.25] }),
      scores: tensor([1, 3], { 0: [0.75, 0.29, 0.5] }),
    }),
    expected: [
      { label: 'face', score: 0.75, box: { x1: 128, y1: 128, x2: 256, y2: 256 } },
      { label: 'face', score: 0.5, box: { x1: -51.2, y1: 0, x2: 64, y2: 64 } },
    ],
    wrong: ['boxes', [1, 3, 5], 'expected output boxes of shape [1,-1,4] but received [1,3,5]'],
  },
  {
    family: 'centernet',
    size: { width: 64, height: 32 },
    keep: { body: 0.25, vehicle: 0.5 },
    outputs: () => ({
      ...centernetMaps(64, 32, [
        { cls: 0, column: 5, row: 2, score: 0.75, sides: [10, 4, 20, 16] },
        // At one place, of two classes: sizes are shared.
        { cls: 2, column: 15, row: 7, score: 0.5, sides: [30.5, 20, 8, 10] },
        { cls: 7, column: 15, row: 7, score: 0.4, sides: [30.5, 20, 8, 10] },
        // A bicycle, an empty box, and a score that is too low.
        { cls: 1, column: 1, row: 1, score: 0.9, sides: [2, 2, 2, 2] },
        { cls: 0, column: 0, row: 3, score: 0.9, sides: [5, 5, -5, 5] },
        { cls: 0, column: 3, row: 3, score: 0.2, sides: [5, 5, 5, 5] },
      ]),
    }),
    expected: [
      { label: 'body', score: 0.75, box: { x1: 10, y1: 4, x2: 40, y2: 24 } },
      { label: 'vehicle', score: 0.5, box: { x1: 29.5, y1: 8, x2: 68, y2: 38 } },
    ],
    wrong: [
      'tower_0/mul_1',
      [1, 80, 16, 8],
      'expected output tower_0/mul_1 of shape [1,80,8,16] but received [1,80,16,8]',
    ],
  },
  {
    family: 'yunet',
    size: { width: 64, height: 32 },
    keep: { face: 0.5 },
    outputs: () => ({
      // Cell 17 of 8 columns lies in row 2, column 1.
      cls_8: tensor([1, 32, 1], { 17: [0.81] }),
      obj_8: tensor([1, 32, 1], { 17: [0.64] }),
      bbox_8: tensor([1, 32, 4], { 68: [0.5, 0.25, Math.log(2), Math.log(3)] }),
      cls_16: tensor([1, 8, 1], { 3: [1], 6: [0.25] }),
      obj_16: tensor([1, 8, 1], { 3: [0.2], 6: [1] }),
      bbox_16: tensor([1, 8, 4], { 24: [0, 1, 0, 0] }),
      cls_32: tensor([1, 2, 1], { 1: [1] }),
      obj_32: tensor([1, 2, 1], { 1: [-0.5] }),
      bbox_32: tensor([1, 2, 4]),
    }),
    expected: [
      { label: 'face', score: 0.72, box: { x1: 4, y1: 6, x2: 20, y2: 30 } },
      { label: 'face', score: 0.5, box: { x1: 24, y1: 24, x2: 40, y2: 40 } },
    ],
    wrong: ['obj_16', [1, 9, 1], 'expected output obj_16 of shape [1,8,1] but received [1,9,1]'],
  },
  {
    family: 'ultraface',
    size: { width: 320, height: 240 },
    keep: { face: 0.6 },
    outputs: () => ({
      scores: tensor([1, 3, 2], { 0: [0.25, 0.75, 0.9, 0.1, 0, 1] }),
      boxes: tensor([1, 3, 4], { 0: [0.5, 0.25, 0.75, 0.5], 4: [0, 0, 1, 1], 8: [0, 0.5, 0.125, 1] }),
    }),
    expected: [
      { label: 'face', score: 0.75, box: { x1: 160, y1: 60, x2: 240, y2: 120 } },
      { label: 'face', score: 1, box: { x1: 0, y1: 120, x2: 40, y2: 240 } },
    ],
    wrong: ['scores', [1, 3, 3], 'expected output scores of shape [1,-1,2] but received [1,3,3]'],
  },
  {
    family: 'yolox',
    size: { width: 64, height: 32 },
    keep: { body: 0.25, vehicle: 0.5 },
    outputs: () => ({
      // 8 × 4 cells of stride 8, then 4 × 2 of stride 16, then 2 × 1 of stride 32.
      output: tensor([1, 42, 85], {
        ...yoloxRow(17, [0.5, 0.25, Math.log(2), Math.log(3)], 0.5, { 0: 0.75, 1: 1, 2: 0.9 }),
        ...yoloxRow(32 + 6, [0, 1, 0, 0], 1, { 5: 0.5, 7: 0.25 }),
        ...yoloxRow(40 + 1, [0.5, 0.5, 0, 0], 0.1, { 0: 1 }),
      }),
    }),
    expected: [
      { label: 'body', score: 0.375, box: { x1: 4, y1: 6, x2: 20, y2: 30 } },
      { label: 'vehicle', score: 0.5, box: { x1: 24, y1: 24, x2: 40, y2: 40 } },
    ],
    wrong: ['output', [1, 41, 85], 'expected output (only) of shape [1,42,85] but received [1,41,85]'],
  },
  {
    family: 'hyperlpr',
    size: { width: 320, height: 320 },
    keep: { plate: 0.3 },
    outputs: () => ({
      output: tensor([1, 3, 15], {
        // The corners lean out of the box to the right and the box out of the corners to the left.
        0: [100, 60, 40, 20, 0.8, 85, 52, 124, 50, 122, 71, 83, 69, 0.25, 0.75],
        15: [200, 60, 40, 20, 0.5, 180, 50, 220, 50, 220, 70, 180, 70, 0.5, 0.25],
        30: [50, 250, 20, 20, 1, 40, 240, 60, 240, 60, 260, 40, 260, 0.5, 0.125],
      }),
    }),
    expected: [
      { label: 'plate', score: 0.6, box: { x1: 80, y1: 50, x2: 124, y2: 71 } },
      { label: 'plate', score: 0.5, box: { x1: 40, y1: 240, x2: 60, y2: 260 } },
    ],
    wrong: ['output', [1, 3, 6], 'expected output (only) of shape [1,-1,15] but received [1,3,6]'],
  },
  {
    family: 'per-class-box',
    size: { width: 64, height: 32 },
    keep: { face: 0.5, body: 0.25, plate: 0.4 },
    outputs: () => ({
      // 8 × 4 cells of stride 8, then 4 × 2 of stride 16, then 2 × 1 of stride 32.
      predictions: tensor([1, 42, 15], {
        // Cell 17 of 8 columns lies in row 2, column 1, and holds a face, a body and a plate.
        [17 * 15]: [0.5, 0.25, Math.log(2), Math.log(3), 0.5],
        [17 * 15 + 5]: [0, 0, Math.log(3), Math.log(5), 0.75],
        [17 * 15 + 10]: [1, 0.5, 0, Math.log(0.5), 0.45],
        // Below the least score of the class, above that of another.
        [18 * 15]: [0.5, 0.5, 0, 0, 0.49],
        [(32 + 6) * 15 + 5]: [0, 1, 0, 0, 0.25],
        [(32 + 7) * 15 + 10]: [0.5, 0.5, 0, 0, 0.3],
        [(40 + 1) * 15]: [-0.5, 1.5, Math.log(2), 0, 1],
      }),
    }),
    expected: [
      { label: 'face', score: 0.5, box: { x1: 4, y1: 6, x2: 20, y2: 30 } },
      { label: 'face', score: 1, box: { x1: -16, y1: 32, x2: 48, y2: 64 } },
      { label: 'body', score: 0.75, box: { x1: -4, y1: -4, x2: 20, y2: 36 } },
      { label: 'body', score: 0.25, box: { x1: 24, y1: 24, x2: 40, y2: 40 } },
      { label: 'plate', score: 0.45, box: { x1: 12, y1: 18, x2: 20, y2: 22 } },
    ],
    wrong: ['predictions', [1, 41, 15], 'expected output predictions of shape [1,42,15] but received [1,41,15]'],
  },
  {
    family: 'db',
    size: { width: 32, height: 16 },
    keep: { text: 0.4 },
    outputs: () => ({
      map: tensor([1, 1, 16, 32], {
        [5 * 32 + 4]: new Array<number>(12).fill(0.8),
        [6 * 32 + 4]: new Array<number>(12).fill(0.8),
        [12 * 32 + 20]: new Array<number>(6).fill(0.35),
        [13 * 32 + 20]: new Array<number>(6).fill(0.35),
      }),
    }),
    // 12 × 2 pixels grow by 12·2·1.8 / (2·14) on each side.
    expected: [
      {
        label: 'text',
        score: 0.8,
        box: { x1: 4 - 10.8 / 7, y1: 5 - 10.8 / 7, x2: 16 + 10.8 / 7, y2: 7 + 10.8 / 7 },
        polygon: [
          { x: 4 - 10.8 / 7, y: 5 - 10.8 / 7 },
          { x: 16 + 10.8 / 7, y: 5 - 10.8 / 7 },
          { x: 16 + 10.8 / 7, y: 7 + 10.8 / 7 },
          { x: 4 - 10.8 / 7, y: 7 + 10.8 / 7 },
        ],
      },
    ],
    wrong: ['map', [1, 1, 32, 16], 'expected output (only) of shape [1,1,16,32] but received [1,1,32,16]'],
  },
];

function decode(c: Case, tensors: Tensors, keep: DecodeContext['keep'] = c.keep): RawDetection[] {
  const outputs = new Outputs('m', new Map(Object.entries(tensors)));
  return DECODERS[c.family].decode(outputs, { ...c.size, keep });
}

/** Every number of `value` within 1e-4 of the one in the same place of `expected`. */
function expectClose(value: unknown, expected: unknown, where = ''): void {
  if (typeof expected === 'number') expect(value, where).toBeCloseTo(expected, 4);
  else if (typeof expected !== 'object' || expected === null) expect(value, where).toBe(expected);
  else {
    expect(Object.keys(value as object).sort(), where).toEqual(Object.keys(expected).sort());
    for (const [key, inner] of Object.entries(expected)) {
      expectClose((value as Record<string, unknown>)[key], inner, `${where}.${key}`);
    }
  }
}

it('has a case for every family', () => {
  expect(cases.map((c) => c.family).sort()).toEqual([...FAMILIES].sort());
  expect(Object.keys(DECODERS).sort()).toEqual([...FAMILIES].sort());
});

describe.each(cases)('$family', (c) => {
  it('gives labels, scores and boxes in pixels of the input', () => {
    const found = decode(c, c.outputs());
    // A polygon may start at any of its corners.
    for (const d of found) if (d.polygon) (d as { polygon: unknown }).polygon = fromTopLeft(d.polygon);
    expectClose(found, c.expected);
  });

  it('drops what scores below the threshold', () => {
    const all = Object.fromEntries(Object.keys(c.keep).map((label) => [label, 1.01]));
    expect(decode(c, c.outputs(), all)).toEqual([]);
    const least = Math.min(...c.expected.map((d) => d.score));
    const above = Object.fromEntries(
      Object.entries(c.keep).map(([label, score]) => [label, Math.max(score, least + 0.001)]),
    );
    expect(decode(c, c.outputs(), above).length).toBe(c.expected.filter((d) => d.score > least + 0.001).length);
  });

  it('drops labels that are not wanted', () => {
    expect(decode(c, c.outputs(), {})).toEqual([]);
    for (const label of Object.keys(c.keep) as Label[]) {
      const only = decode(c, c.outputs(), { [label]: c.keep[label] as number });
      expect(only.map((d) => d.label)).toEqual(c.expected.filter((d) => d.label === label).map(() => label));
    }
  });

  it('names expected and received when an output has another shape', () => {
    const [name, shape, message] = c.wrong;
    const run = () => decode(c, { ...c.outputs(), [name]: tensor(shape) });
    expect(run).toThrow(ModelError);
    expect(run).toThrow(`Model m: ${message}`);
  });

  it('names what is there when an output is missing', () => {
    const [name] = Object.keys(c.outputs());
    const { [name as string]: _, ...rest } = c.outputs();
    const there = Object.keys(rest).length > 0 ? Object.keys(rest).join(', ') : 'none';
    const run = () => decode(c, rest);
    expect(run).toThrow(ModelError);
    expect(run).toThrow(`but received ${there}`);
  });

  it.each([Number.NaN, Infinity, -Infinity])('refuses %d wherever it stands', (bad) => {
    for (const name of Object.keys(c.outputs())) {
      const { length } = (c.outputs()[name] as OutputTensor).data;
      for (const at of [0, Math.floor(length / 2), length - 1]) {
        const tensors = c.outputs();
        (tensors[name] as OutputTensor).data[at] = bad;
        expect(() => decode(c, tensors)).toThrow(
          new ModelError(`Model m: expected finite numbers in output ${name} but received NaN or infinity`),
        );
      }
    }
  });
});

describe('centernet', () => {
  const maps = centernetMaps(64, 32, [{ cls: 0, column: 5, row: 2, score: 0.1, sides: [4, 4, 4, 4] }]);
  const read = (tensors: Tensors, size = { width: 64, height: 32 }) =>
    DECODERS.centernet.decode(new Outputs('m', new Map(Object.entries(tensors))), { ...size, keep: { body: 0 } });

  it('takes no cell without a peak for a finding, even where every score is wanted', () => {
    const everywhere = { ...maps, 'tower_0/mul': { shape: [1, 4, 8, 16], data: new Float32Array(512).fill(4) } };
    expect(read(everywhere).map((d) => d.box)).toEqual([{ x1: 16, y1: 4, x2: 24, y2: 12 }]);
  });

  it.each([
    [
      'sizes of another shape',
      { ...maps, 'tower_0/mul': tensor([1, 2, 8, 16]) },
      undefined,
      'tower_0/mul of shape [1,4,8,16] but received [1,2,8,16]',
    ],
    [
      'maps of another image',
      maps,
      { width: 64, height: 64 },
      'tower_0/mul_1 of shape [1,80,16,16] but received [1,80,8,16]',
    ],
  ])('refuses %s', (_, tensors, size, message) => {
    expect(() => read(tensors, size)).toThrow(new ModelError(`Model m: expected output ${message}`));
  });
});

it('does not let infinities of opposite sign cancel out', () => {
  const data = Float32Array.of(Infinity, -Infinity);
  expect(() => new Outputs('m', new Map([['out', { data, shape: [2] }]]))).toThrow(ModelError);
});

it('takes the largest finite numbers for finite', () => {
  const data = new Float32Array(1000).fill(3.4e38);
  expect(() => new Outputs('m', new Map([['out', { data, shape: [1000] }]]))).not.toThrow();
});

function fromTopLeft<T extends { x: number; y: number }>(polygon: readonly T[]): T[] {
  const start = polygon.reduce((best, p, i) => {
    const q = polygon[best] as T;
    return p.x + p.y < q.x + q.y ? i : best;
  }, 0);
  return [...polygon.slice(start), ...polygon.slice(0, start)];
}
