import { CLASSES } from '../../src/core/types.ts';
import { GAP_RULE } from '../../src/eval/attributes.ts';
import { ClassTally } from '../../src/eval/class-tally.ts';
import type { Evaluation } from '../../src/eval/evaluate.ts';
import { Levels } from '../../src/eval/levels.ts';
import { detection, measure, OPERATING, object, photograph, points } from './scenes.ts';

/** Markup, and a control character that clears a terminal. */
export const HOSTILE = `<img src=x onerror="alert(1)">'&</svg>\u001b[2J`;

/** An evaluation of one photograph whose names are all hostile. */
export function evaluation(file: string): Evaluation {
  const levels = new Levels(0.1, OPERATING);
  const tallies = CLASSES.map((cls) => [cls, new ClassTally(cls, levels)] as const);
  const image = {
    ...photograph(
      [
        object('face', [5, 5, 25, 30], { attributes: { [HOSTILE]: HOSTILE } }),
        object('text', [40, 40, 80, 60], { polygon: points([40, 45], [75, 40], [80, 55], [45, 60]) }),
      ],
      CLASSES,
    ),
    file,
    name: HOSTILE,
    source: HOSTILE,
  };
  const found = [
    detection('face', [60, 5, 80, 30]),
    detection('body', [0, 50, 30, 99]),
    detection('plate', [70, 70, 90, 80], 0.8, points([70, 70], [90, 72], [90, 80], [70, 78])),
  ];
  const measured = measure(image, found);
  for (const [cls, tally] of tallies) {
    const own = measured.get(cls);
    if (own)
      tally.add(
        0,
        image,
        own,
        found.filter((d) => d.label === cls).map((d) => d.score),
      );
  }
  return {
    report: {
      v: 1,
      version: '0.0.0',
      data: HOSTILE,
      formats: ['native'],
      unmapped: { [HOSTILE]: 3 },
      quality: 'fast',
      device: ['cpu'],
      workers: 1,
      images: 1,
      megapixels: 0.01,
      failed: [{ image: HOSTILE, stage: 'decode', reason: 'truncated', message: HOSTILE }],
      msPerImage: { decode: 1, [HOSTILE]: 2 },
      seconds: 1,
      classes: tallies.map(([cls, tally]) =>
        tally.report({ class: cls, model: HOSTILE, threshold: OPERATING, grow: 0 }),
      ),
      gapRule: GAP_RULE,
    },
    pictures: Object.fromEntries(tallies.map(([cls, tally]) => [cls, tally.pictures()])),
  };
}
