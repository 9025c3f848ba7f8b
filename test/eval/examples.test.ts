import { describe, expect, it } from 'vitest';
import { Examples, MOST_EXAMPLES } from '../../src/eval/examples.ts';
import { type Corners, detection, measure, object, photograph } from './scenes.ts';

function collect(scenes: readonly { name: string; objects?: Corners[]; detections?: Corners[] }[]): Examples {
  const examples = new Examples('body');
  for (const { name, objects = [], detections = [] } of scenes) {
    const image = { ...photograph(objects.map((at) => object('body', at))), name };
    const measured = measure(
      image,
      detections.map((at) => detection('body', at)),
    ).get('body');
    if (measured) examples.add(image, measured);
  }
  return examples;
}

describe('misses', () => {
  it('come worst first, the largest among equals, without what is covered', () => {
    const examples = collect([
      {
        name: 'a',
        objects: [
          [0, 0, 10, 10],
          [20, 0, 32, 12],
        ],
        detections: [[0, 0, 10, 5]],
      },
      { name: 'b', objects: [[0, 0, 13, 13]] },
      { name: 'c', objects: [[0, 0, 10, 10]], detections: [[0, 0, 10, 10]] },
    ]);
    expect(examples.misses().map(({ example }) => [example.image, example.coverage])).toEqual([
      ['b', 0],
      ['a', 0],
      ['a', 0.5],
    ]);
  });

  it('show many photographs and all heights', () => {
    const crowd = Array.from({ length: 49 }, (_, i): Corners => {
      const [x, y] = [(i % 7) * 14, Math.floor(i / 7) * 14];
      return [x, y, x + 10, y + 10];
    });
    const scenes = [
      { name: 'crowd', objects: crowd },
      ...Array.from({ length: 60 }, (_, i) => ({ name: `large ${i}`, objects: [[0, 0, 50, 97]] as Corners[] })),
      { name: 'middle', objects: [[0, 0, 30, 50]] as Corners[] },
    ];
    for (const order of [scenes, [...scenes].reverse()]) {
      const shown = collect(order)
        .misses()
        .map(({ example }) => example.image);
      expect(shown).toHaveLength(MOST_EXAMPLES);
      expect(shown.filter((name) => name === 'crowd')).toHaveLength(4);
      expect(shown).toContain('middle');
      expect(shown.filter((name) => name.startsWith('large'))).toHaveLength(19);
      expect(shown).toEqual(
        collect(scenes)
          .misses()
          .map(({ example }) => example.image),
      );
    }
  });

  it('come with the labels and regions around them', () => {
    const [miss] = collect([
      {
        name: 'a',
        objects: [
          [0, 0, 10, 10],
          [12, 0, 20, 10],
          [90, 90, 99, 99],
        ],
        detections: [[12, 0, 20, 10]],
      },
    ]).misses();
    expect(miss?.drawn).toMatchObject({ file: '/photographs/a.jpg', regions: [{ shape: 'box' }] });
    expect(miss?.drawn.outlines.map(([first]) => first)).toEqual([
      { x: 0, y: 0 },
      { x: 12, y: 0 },
    ]);
  });
});

describe('false alarms', () => {
  it('come largest first, without generous redactions', () => {
    const examples = collect([
      { name: 'small', detections: [[0, 0, 10, 10]] },
      { name: 'large', detections: [[0, 0, 30, 10]] },
      { name: 'generous', objects: [[0, 0, 50, 60]], detections: [[0, 0, 90, 60]] },
      { name: 'mostly beside', objects: [[0, 0, 5, 10]], detections: [[0, 0, 25, 10]] },
    ]);
    expect(examples.falseAlarms().map(({ example }) => [example.image, example.outside])).toEqual([
      ['large', 300],
      ['mostly beside', 190],
      ['small', 100],
    ]);
  });
});
