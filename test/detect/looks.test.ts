import { describe, expect, it } from 'vitest';
import { boxHeight, boxWidth, clockwise } from '../../src/core/geometry.ts';
import type { Box, Detection } from '../../src/core/types.ts';
import { ImageLevels } from '../../src/detect/levels.ts';
import type { Network } from '../../src/detect/network.ts';
import { shareInside } from '../../src/detect/outline.ts';
import { encodeModel } from '../../src/models/compile/onnx.ts';
import type { ModelLevel } from '../../src/models/manifest.ts';
import { float, node } from '../models/tiny-onnx.ts';
import { open, picture, ready, runsOf, tinyNetworks } from './tiny-networks.ts';

const networks = tinyNetworks();
const rounded = (found: readonly Detection[]): unknown[] =>
  found.map(({ score, box }) => [...[box.x1, box.y1, box.x2, box.y2].map(Math.round), Number(score.toFixed(2))]);

/** Expects one line of text around a bar, `pixel` being a pixel of the model in pixels of the image. */
function expectBar(found: readonly Detection[], bar: Box, pixel: number): void {
  expect(found).toHaveLength(1);
  const { box } = found[0] as Detection;
  expect(Math.abs(box.x1 + box.x2 - bar.x1 - bar.x2) / 2).toBeLessThan(1.5 * pixel);
  expect(Math.abs(box.y1 + box.y2 - bar.y1 - bar.y2) / 2).toBeLessThan(1.5 * pixel);
  const grown = (boxWidth(bar) * boxHeight(bar) * 1.8) / (boxWidth(bar) + boxHeight(bar));
  expect(Math.abs(boxWidth(box) - boxWidth(bar) - grown)).toBeLessThan(6 * pixel);
  expect(Math.abs(boxHeight(box) - boxHeight(bar) - grown)).toBeLessThan(6 * pixel);
}

describe('slack', () => {
  it.each([
    ['shown as it is', 128, 2, [18, 28, 62, 52]],
    ['shown enlarged', 64, 2, [9, 14, 31, 26]],
    ['shown smaller', 256, 2, [36, 56, 124, 104]],
    ['absent', 128, undefined, [20, 30, 60, 50]],
  ] as const)('moves sides by pixels of the model, of a picture that is %s', async (_, side, slack, expected) => {
    const classes = { plate: { threshold: 0.4, growth: 0.5, slack } };
    const model = await networks.plates([[20, 30, 60, 50, 0.8]], 128, { level: { classes } });
    const network = await open(model, { plate: 0.2 });
    expect(rounded(await network.detect(new ImageLevels(picture(side, side))))).toEqual([[...expected, 0.8]]);
  });
});

describe('a look at the mirror image', () => {
  it.each([
    ['left', { x1: 20, y1: 100, x2: 80, y2: 108 }],
    ['right', { x1: 150, y1: 30, x2: 240, y2: 42 }],
  ])('finds what is on the %s where it is', async (_, bar) => {
    const network = await open(await networks.brightness(256, 256, { level: { mirror: true } }), { text: 0.4 });
    const found = await network.detect(new ImageLevels(picture(256, 256, bar)));
    expectBar(found, bar, 1);
    expect(found[0]?.score).toBeCloseTo(1, 2);
    expect(network.runs).toEqual(new Map([['1,3,256,256', 2]]));
  });

  it.each([
    // What a network sees in the same place of either picture is on the other side in the mirror image.
    [
      'fills the input',
      128,
      128,
      'top-left',
      [20, 30, 60, 50],
      [
        [20, 30, 60, 50],
        [68, 30, 108, 50],
      ],
    ],
    [
      'is padded',
      60,
      128,
      'center',
      [40, 30, 50, 50],
      [
        [6, 30, 16, 50],
        [44, 30, 54, 50],
      ],
    ],
    [
      'is enlarged',
      64,
      32,
      'top-left',
      [20, 10, 40, 30],
      [
        [10, 5, 20, 15],
        [44, 5, 54, 15],
      ],
    ],
  ] as const)('is mapped back where the picture %s', async (_, width, height, align, [x1, y1, x2, y2], expected) => {
    const model = await networks.plates([[x1, y1, x2, y2, 0.8]], 128, { align, level: { mirror: true } });
    const network = await open(model, { plate: 0.2 });
    const found = await network.detect(new ImageLevels(picture(width, height)));
    expect(rounded(found)).toEqual(expected.map((box) => [...box, 0.4]));
  });

  it('counts in full what is seen in both', async () => {
    const model = await networks.plates([[44, 30, 84, 50, 0.8]], 128, { level: { mirror: true } });
    const found = await (await open(model, { plate: 0.2 })).detect(new ImageLevels(picture(128, 128)));
    expect(rounded(found)).toEqual([[44, 30, 84, 50, 0.8]]);
  });

  // Mirroring turns an outline around.
  it('lists an outline clockwise that was seen in the mirror image alone', async () => {
    const mask = Float32Array.from({ length: 64 * 64 }, (_, i) => (i % 64 < 32 ? 1 : 0));
    const bytes = encodeModel({
      name: 'left-half',
      nodes: [
        { ...node('ReduceMean', ['image'], 'mean'), attributes: { axes: { ints: [1] }, keepdims: { int: 1 } } },
        node('Mul', ['mean', 'mask'], 'map'),
      ],
      initializers: [{ name: 'mask', dims: [1, 1, 64, 64], data: mask }],
      inputs: [float('image', [1, 3, 64, 64])],
      outputs: [float('map', [1, 1, 64, 64])],
    });
    const file = await networks.save('left-half.onnx', bytes);
    const model = ready('db', file, { width: 64, height: 64 }, 'top-left', { mirror: true });
    const network = await open(model, { text: 0.2 });
    const [found] = await network.detect(new ImageLevels(picture(64, 64, { x1: 40, y1: 20, x2: 56, y2: 26 })));
    expect(found?.score).toBeCloseTo(0.5, 2);
    expect(found?.polygon).toEqual(clockwise(found?.polygon ?? []));
  });
});

describe('a look at a smaller picture', () => {
  it('adds what is seen there, in pixels of the image', async () => {
    const model = await networks.plates([[20, 30, 60, 50, 0.8]], 128, { level: { shrink: 0.5 } });
    const network = await open(model, { plate: 0.2 });
    const found = await network.detect(new ImageLevels(picture(128, 128)));
    expect(rounded(found)).toEqual([
      [20, 30, 60, 50, 0.8],
      [40, 60, 120, 100, 0.8],
    ]);
    expect(network.runs).toEqual(new Map([['1,3,128,128', 2]]));
  });

  it('takes what is seen in both for one', async () => {
    const bar = { x1: 60, y1: 100, x2: 200, y2: 124 };
    const network = await open(await networks.brightness(256, 256, { level: { shrink: 0.5 } }), { text: 0.4 });
    expectBar(await network.detect(new ImageLevels(picture(256, 256, bar))), bar, 2);
  });
});

describe('tiles', () => {
  const everywhere = { doublings: 2, enlarge: 1, where: 'everywhere' } as const;
  const opened = async (tiles: ModelLevel['tiles']) =>
    open(await networks.brightness(256, 256, { level: { tiles } }), { text: 0.4 });
  // A quarter of its size in the input of 256. Tiles at half its size show 448 pixels, from 0, 288 and 576 on.
  const SIDE = 1024;

  it.each([
    ['top left', { x1: 10, y1: 12, x2: 42, y2: 16 }],
    ['top right', { x1: 980, y1: 12, x2: 1012, y2: 16 }],
    ['bottom left', { x1: 10, y1: 1004, x2: 42, y2: 1008 }],
    ['bottom right', { x1: 980, y1: 1004, x2: 1012, y2: 1008 }],
  ])('find what is too small for one look: %s', async (_, bar) => {
    const levels = new ImageLevels(picture(SIDE, SIDE, bar));
    expect(await (await opened(undefined)).detect(levels)).toEqual([]);
    const network = await opened(everywhere);
    expectBar(await network.detect(levels), bar, 1);
    expect(network.runs).toEqual(new Map([['1,3,256,256', 1 + 9 + 25]]));
  });

  it.each([
    ['across a border between columns', { x1: 428, y1: 350, x2: 468, y2: 358 }],
    ['across a border between rows', { x1: 350, y1: 572, x2: 390, y2: 580 }],
    ['where four tiles meet', { x1: 428, y1: 444, x2: 468, y2: 452 }],
  ])('list once what lies %s', async (_, bar) => {
    const network = await opened({ ...everywhere, doublings: 1 });
    expectBar(await network.detect(new ImageLevels(picture(SIDE, SIDE, bar))), bar, 4);
  });

  it.each([
    ['longer than a tile', { x1: 130, y1: 300, x2: 900, y2: 316 }],
    ['as long as the image', { x1: 0, y1: 300, x2: SIDE, y2: 316 }],
  ])('leave whole what is %s, and list parts besides only when they are more certain', async (_, bar) => {
    const network = await opened({ ...everywhere, doublings: 1 });
    const found = await network.detect(new ImageLevels(picture(SIDE, SIDE, bar)));
    const isWhole = (d: Detection): boolean => boxWidth(d.box) >= boxWidth(bar);
    expectBar(found.filter(isWhole), bar, 4);
    const whole = found.find(isWhole) as Detection;
    for (const part of found.filter((d) => !isWhole(d))) {
      expect(part.score).toBeGreaterThan(whole.score);
      expect(shareInside(part, whole)).toBeGreaterThan(0.95);
    }
  });

  it('look only where an earlier pass suspected something, if told so', async () => {
    const suspected = { doublings: 1, enlarge: 1, where: 'suspected' } as const;
    const corner = { x1: 20, y1: 20, x2: 160, y2: 50 };
    const small = { x1: 760, y1: 760, x2: 800, y2: 764 };
    const network = await opened(suspected);
    expect(await network.detect(new ImageLevels(picture(SIDE, SIDE)))).toEqual([]);
    expect(runsOf(network)).toBe(1);
    expectBar(await network.detect(new ImageLevels(picture(SIDE, SIDE, corner, small))), corner, 2);
    // Once more all of it, and the one tile that the text lies in.
    expect(runsOf(network)).toBe(3);
    const all = await opened({ ...suspected, where: 'everywhere' });
    expect(await all.detect(new ImageLevels(picture(SIDE, SIDE, corner, small)))).toHaveLength(2);
    expect(runsOf(all)).toBe(10);
  });

  it('are each preceded by the question whether to go on', async () => {
    const network = await opened(everywhere);
    let asked = 0;
    await network.detect(new ImageLevels(picture(SIDE, SIDE), () => void asked++));
    expect(asked).toBe(35);
    const stop = new Error('too late');
    const impatient = new ImageLevels(picture(SIDE, SIDE), () => {
      if (++asked > 40) throw stop;
    });
    await expect(network.detect(impatient)).rejects.toBe(stop);
    expect(runsOf(network)).toBe(40);
    expect(await network.detect(new ImageLevels(picture(SIDE, SIDE)))).toEqual([]);
  });
});

describe('searchIn', () => {
  const bar = { x1: 300, y1: 200, x2: 332, y2: 204 };
  const image = picture(512, 512, bar);
  const around = { x1: 280.4, y1: 180.5, x2: 359.6, y2: 229.2 };

  const whole = async (network: Network, levels: ImageLevels, ...parts: Box[]): Promise<readonly Detection[]> =>
    (await network.searchIn(levels, parts)).whole;

  it('finds in an enlarged part what is too small in the whole', async () => {
    const network = await open(await networks.brightness(128, 128), { text: 0.4 });
    const levels = new ImageLevels(image);
    expect(await network.look(levels)).toEqual({ whole: [], cut: [] });
    expectBar(await whole(network, levels, around), bar, 1);
    expect(runsOf(network)).toBe(2);
  });

  it('lists once, when all looks are fused, what was seen before or in two parts', async () => {
    const network = await open(await networks.brightness(128, 128), { text: 0.4 });
    const levels = new ImageLevels(image);
    const first = await network.searchIn(levels, [around]);
    const again = await network.searchIn(levels, [around, { ...around, x1: 270, x2: 370 }]);
    expect(again.whole).toHaveLength(2);
    expectBar(network.fuse(first, again), bar, 1);
  });

  it('looks at no part outside the image', async () => {
    const network = await open(await networks.brightness(128, 128), { text: 0.4 });
    const outside = [
      { x1: 600, y1: 10, x2: 700, y2: 60 },
      { x1: -50, y1: -50, x2: 0, y2: 0 },
      { x1: 512, y1: 0, x2: 512, y2: 20 },
    ];
    for (const parts of [outside, []]) {
      expect(await network.searchIn(new ImageLevels(image), parts)).toEqual({ whole: [], cut: [] });
    }
    expect(runsOf(network)).toBe(0);
  });

  it('clips a part that reaches over the border', async () => {
    const corner = { x1: 476, y1: 490, x2: 508, y2: 494 };
    const network = await open(await networks.brightness(128, 128), { text: 0.4 });
    const levels = new ImageLevels(picture(512, 512, corner));
    expectBar(await whole(network, levels, { x1: 450, y1: 460, x2: 570, y2: 560 }), corner, 1);
  });

  it('tells apart what the border of the part cuts', async () => {
    const network = await open(await networks.brightness(128, 128), { text: 0.4 });
    const seen = await network.searchIn(new ImageLevels(image), [{ x1: 316, y1: 180, x2: 380, y2: 230 }]);
    expect([seen.whole.length, seen.cut.length]).toEqual([0, 1]);
    expect(network.fuse(seen)).toHaveLength(1);
  });

  it('tells the scales: of a part up to half the size of a whole image where the input is dynamic', async () => {
    const fixed = await open(await networks.brightness(128, 96), { text: 0.4 });
    expect(fixed.scaleFor({ x1: 10, y1: 10, x2: 42, y2: 58 })).toBe(2);
    expect(fixed.scaleOfWhole(new ImageLevels(image))).toBe(96 / 512);
    const file = (await networks.brightness(128, 96)).path;
    const longSide = 640;
    const dynamic = await open(ready('db', file, { longSide: 960 }, 'top-left', { longSide, enlarge: 1.5 }), {});
    expect(dynamic.scaleOfWhole(new ImageLevels(image))).toBe(1.25);
    expect(dynamic.scaleFor({ x1: 0, y1: 0, x2: 400, y2: 200 })).toBe(0.8);
    expect(dynamic.scaleFor({ x1: 0, y1: 0, x2: 40, y2: 20 })).toBe(1.5);
  });
});

describe('fuse', () => {
  const text = (score: number, x1: number, x2: number): Detection => {
    return { label: 'text', model: 'ocr', score, box: { x1, y1: 0, x2, y2: 100 } };
  };

  // One after the other, the last one would be left out: it is like the fused first one, but not like the first.
  it('takes all looks at once, so that none is judged by what another has moved', async () => {
    const network = await open(await networks.brightness(64, 64), { text: 0.2 });
    const looks = [text(0.9, 0, 100), text(0.6, 20, 125), text(0.4, 40, 150)].map((d) => ({ whole: [d], cut: [] }));
    const expected = [
      [0.9, 4, 117.5],
      [0.4, 40, 150],
    ];
    for (const order of [looks, looks.toReversed()]) {
      expect(network.fuse(...order).map((d) => [d.score, d.box.x1, d.box.x2])).toEqual(expected);
    }
    expect(network.fuse()).toEqual([]);
  });

  it('takes what one look has cut for a part of what another shows whole', async () => {
    const network = await open(await networks.brightness(64, 64), { text: 0.2 });
    const [look, part] = [text(0.9, 0, 100), text(0.8, 50, 100)];
    expect(network.fuse({ whole: [], cut: [part] }, { whole: [look], cut: [] })).toEqual([look]);
  });
});

describe('a second look at doubtful large detections', () => {
  const confirmLarge = { side: 0.28, scale: 0.5, least: 0.3, sure: 0.8 };
  const bar = { x1: 20, y1: 20, x2: 230, y2: 200, grey: 150 };

  it('keeps what it finds again', async () => {
    const network = await open({ ...(await networks.brightness(256, 256)), confirmLarge }, { text: 0.4 });
    expect(await network.detect(new ImageLevels(picture(256, 256, bar)))).toHaveLength(1);
    expect(network.runs).toEqual(new Map([['1,3,256,256', 2]]));
  });

  it.each([
    // Seen in the same place of the smaller picture, it would be twice as large in the image.
    ['doubtful and large', 0.7, 120, 0, 2],
    ['sure', 0.81, 120, 1, 1],
    ['small', 0.7, 30, 1, 1],
  ])('what is %s', async (_, score, side, kept, runs) => {
    const model = await networks.plates([[0, 0, side, side, score]], 256);
    const network = await open({ ...model, confirmLarge }, { plate: 0.4 });
    expect(await network.detect(new ImageLevels(picture(256, 256)))).toHaveLength(kept);
    expect(runsOf(network)).toBe(runs);
  });
});
