import { describe, expect, it, onTestFinished } from 'vitest';
import type { Detection } from '../../src/core/types.ts';
import { DetectPipeline, type DetectSetup } from '../../src/detect/pipeline.ts';
import { ModelError } from '../../src/errors.ts';
import { type Found, picture, ready, runsOf, tinyNetworks } from './tiny-networks.ts';

const networks = tinyNetworks();
const thresholds = { face: 0.5, body: 0.5, plate: 0.4, text: 0.5 };
const base: DetectSetup = { classes: [], networks: [], searches: [], mergePlatesAndText: false, thresholds };

async function open(setup: Partial<DetectSetup>): Promise<DetectPipeline> {
  const pipeline = await DetectPipeline.open({ ...base, ...setup }, 'cpu');
  onTestFinished(() => pipeline.close());
  return pipeline;
}

const rounded = (found: readonly Detection[]): unknown[] =>
  found.map(({ label, box }) => [label, ...[box.x1, box.y1, box.x2, box.y2].map(Math.round)]);
const runs = (pipeline: DetectPipeline): number[] => pipeline.runs.map((counts) => runsOf({ runs: counts }));

describe('what is listed', () => {
  const SIDE = 320;
  // One pixel of the image is one of the model, so that expected boxes can be read off.
  const onCar = { x1: 120, y1: 200, x2: 200, y2: 212 };
  const shopSign = { x1: 20, y1: 20, x2: 110, y2: 34, grey: 230 };
  const image = picture(SIDE, SIDE, onCar, shopSign);
  const thresholds = { face: 0, body: 0.5, plate: 0.4, text: 0.5 };

  async function setup(classes: DetectSetup['classes'], plates = true): Promise<DetectSetup> {
    const objects = await networks.objects(
      [
        [80, 100, 260, 260, 0.7, 2],
        [270, 100, 310, 220, 0.6, 0],
        [10, 200, 40, 300, 0.4, 0],
      ],
      SIDE,
    );
    return {
      classes,
      searches: [],
      networks: [
        { model: await networks.brightness(SIDE, SIDE), keep: { text: 0.4 } },
        { model: objects, keep: { body: 0.3, vehicle: 0.25 } },
      ],
      ...(plates ? { plateShape: { id: 'plate-shape', textModel: `ocr-${SIDE}-${SIDE}`, threshold: 0.4 } } : {}),
      thresholds,
      mergePlatesAndText: classes.includes('plate') && classes.includes('text'),
    };
  }

  async function detect(setup: DetectSetup): Promise<Detection[]> {
    return (await (await open(setup)).detect(image)).detections;
  }

  const listed = (found: readonly Detection[]): string[] =>
    found.map((d) => `${d.label} ${d.model} ${d.score.toFixed(2)} ${Math.round((d.box.y1 + d.box.y2) / 2)}`);

  it.each([
    // A plate's text is not listed again, and a sign is text, not a plate, as long as text is wanted.
    [
      ['body', 'plate', 'text'],
      true,
      ['plate plate-shape 1.00 206', 'text ocr-320-320 0.90 27', 'body objects 0.60 160'],
    ],
    [['plate'], true, ['plate plate-shape 1.00 206', 'plate plate-shape 0.90 27']],
    [['text'], false, ['text ocr-320-320 1.00 206', 'text ocr-320-320 0.90 27']],
    [['body', 'text'], false, ['text ocr-320-320 1.00 206', 'text ocr-320-320 0.90 27', 'body objects 0.60 160']],
    [['face'], false, []],
  ] as const)('selects %j', async (classes, plates, expected) => {
    expect(listed(await detect(await setup(classes, plates)))).toEqual(expected);
  });

  it('lets neither stand for the other where plates and text are redacted differently', async () => {
    const found = await detect({ ...(await setup(['plate', 'text'])), mergePlatesAndText: false });
    expect(listed(found).sort()).toEqual([
      'plate plate-shape 0.90 27',
      'plate plate-shape 1.00 206',
      'text ocr-320-320 0.90 27',
      'text ocr-320-320 1.00 206',
    ]);
  });

  it('never reports evidence as a finding', async () => {
    const found = await detect({
      ...(await setup(['face', 'body', 'plate', 'text'])),
      thresholds: { ...thresholds, body: 0 },
    });
    expect(found.map((d) => d.label).sort()).toEqual(['body', 'body', 'plate', 'text']);
  });

  it('asks before each network whether to go on', async () => {
    const pipeline = await open(await setup(['text']));
    let asked = 0;
    const { timings } = await pipeline.detect(image, () => void asked++);
    expect(asked).toBe(2);
    expect(Object.keys(timings)).toEqual([`ocr-${SIDE}-${SIDE}`, 'objects']);
    expect(Object.values(timings).every((ms) => ms >= 0)).toBe(true);
    expect(pipeline.providers).toEqual(['cpu']);
    const stop = new Error('too late');
    await expect(
      pipeline.detect(image, () => {
        throw stop;
      }),
    ).rejects.toBe(stop);
  });

  it('says which model cannot be opened', async () => {
    const { networks: others, ...rest } = await setup(['text']);
    const missing = ready('db', '/nowhere/missing.onnx', { longSide: 960 }, 'top-left');
    const opening = DetectPipeline.open({ ...rest, networks: [...others, { model: missing, keep: {} }] }, 'cpu');
    await expect(opening).rejects.toThrow(ModelError);
    await expect(opening).rejects.toThrow(
      'Model missing: expected an ONNX file that opens on device cpu but received:',
    );
  });
});

describe('one network for faces, bodies and plates', () => {
  const SIDE = 128;
  const image = picture(SIDE, SIDE);
  const thresholds = { face: 0.5, body: 0.3, plate: 0.6, text: 0.5 };
  const objects: readonly Found[] = [
    { label: 'face', box: { x1: 40, y1: 20, x2: 60, y2: 44 }, score: 0.6, stride: 8 },
    { label: 'body', box: { x1: 24, y1: 16, x2: 84, y2: 120 }, score: 0.4, stride: 32 },
    { label: 'plate', box: { x1: 90, y1: 100, x2: 122, y2: 110 }, score: 0.7, stride: 16 },
    // Each below the threshold of its class, and above that of another.
    { label: 'face', box: { x1: 100, y1: 20, x2: 120, y2: 44 }, score: 0.4, stride: 8 },
    { label: 'plate', box: { x1: 4, y1: 60, x2: 36, y2: 70 }, score: 0.55, stride: 16 },
  ];

  async function detect(classes: readonly ('face' | 'body' | 'plate')[], patch: Partial<DetectSetup> = {}) {
    const keep = Object.fromEntries(classes.map((cls) => [cls, 0.1]));
    const model = await networks.perClass(objects, SIDE);
    const pipeline = await open({ classes, thresholds, networks: [{ model, keep }], ...patch });
    const { detections, timings } = await pipeline.detect(image);
    return { found: rounded(detections), timings, runs: runs(pipeline) };
  }

  const plate = ['plate', 90, 100, 122, 110];
  const face = ['face', 40, 20, 60, 44];
  const body = ['body', 24, 16, 84, 120];

  it.each([
    [
      ['face', 'body', 'plate'],
      [plate, face, body],
    ],
    [
      ['body', 'plate'],
      [plate, body],
    ],
    [['face'], [face]],
  ] as const)('is run once for %j, each from its own threshold on', async (classes, expected) => {
    const { found, timings, runs } = await detect(classes);
    expect(found).toEqual(expected);
    expect(runs).toEqual([1]);
    expect(Object.keys(timings)).toEqual(['per-class']);
  });

  it('leaves a class to another network', async () => {
    const shared = { model: await networks.perClass(objects, SIDE), keep: { face: 0.1, body: 0.1 } };
    const other = { model: await networks.plates([[10, 20, 50, 36, 0.9]], SIDE), keep: { plate: 0.1 } };
    const { found, runs } = await detect(['face', 'body', 'plate'], { networks: [shared, other] });
    expect(found).toEqual([['plate', 10, 20, 50, 36], face, body]);
    expect(runs).toEqual([1, 1]);
  });
});

describe('a search where something else was found', () => {
  // A bright car in the dark. The plate is seen in whatever is bright: not in the whole picture.
  const car = { x1: 300, y1: 300, x2: 400, y2: 380 };
  const image = picture(640, 640, car);
  const plateInPart = { x1: 44, y1: 44, x2: 84, y2: 56 };

  /** `carScore` is that of the car in an input of half the image's size. */
  async function setup(classes: DetectSetup['classes'], carScore: number, evidence = true): Promise<DetectSetup> {
    const objects = await networks.objects([[150, 150, 200, 190, carScore, 2]], 320);
    return {
      ...base,
      classes,
      networks: [
        { model: await networks.brightPlate(plateInPart, 128), keep: { plate: 0.2 } },
        { model: objects, keep: { vehicle: 0.1 } },
      ],
      searches: evidence ? [{ label: 'plate', evidence: 'vehicle' }] : [],
    };
  }

  it('finds a plate on a vehicle that no look at the whole shows', async () => {
    const pipeline = await open(await setup(['plate'], 0.7));
    const { detections, timings } = await pipeline.detect(image);
    // The car and 6 % around it, 112 × 90 pixels from (294, 295), is shown at 128 / 112.
    expect(rounded(detections)).toEqual([['plate', 333, 333, 368, 344]]);
    expect(detections[0]?.score).toBeGreaterThan(0.5);
    expect(runs(pipeline)).toEqual([2, 1]);
    expect(Object.keys(timings)).toEqual(['bright-plate', 'objects']);
  });

  it.each([
    ['no search is asked for', ['plate'], 0.7, false, [1, 1]],
    ['the vehicle is too doubtful', ['plate'], 0.19, true, [1, 1]],
    ['plates are not wanted', ['body'], 0.7, true, [2, 1]],
  ] as const)('finds nothing where %s', async (_, classes, carScore, evidence, expected) => {
    const pipeline = await open(await setup(classes, carScore, evidence));
    expect((await pipeline.detect(image)).detections).toEqual([]);
    expect(runs(pipeline)).toEqual(expected);
  });

  it('does not search other things', async () => {
    const { networks: both, ...rest } = await setup(['plate'], 0.7);
    const objects = { model: await networks.objects([[150, 150, 200, 190, 0.9, 0]], 320), keep: { body: 0.1 } };
    const pipeline = await open({ ...rest, networks: [...both.slice(0, 1), objects] });
    expect((await pipeline.detect(image)).detections).toEqual([]);
    expect(runs(pipeline)).toEqual([1, 1]);
  });

  it('searches nowhere without a network for the class', async () => {
    const { networks: both, ...rest } = await setup(['plate'], 0.7);
    const pipeline = await open({ ...rest, networks: both.slice(1) });
    expect((await pipeline.detect(image)).detections).toEqual([]);
  });

  it('does not search what the whole has shown as large', async () => {
    const { networks: both, ...rest } = await setup(['plate'], 0.7);
    const objects = { model: await networks.objects([[5, 5, 310, 310, 0.7, 2]], 320), keep: { vehicle: 0.1 } };
    const pipeline = await open({ ...rest, networks: [...both.slice(0, 1), objects] });
    await pipeline.detect(image);
    expect(runs(pipeline)).toEqual([1, 1]);
  });

  it('asks before every run whether to go on, and stops when told to', async () => {
    const pipeline = await open(await setup(['plate'], 0.7));
    let asked = 0;
    await pipeline.detect(image, () => void asked++);
    expect(asked).toBe(3);
    const stop = new Error('too late');
    for (const last of [1, 2, 3]) {
      let left = last;
      const before = runs(pipeline).reduce((a, b) => a + b);
      const detecting = pipeline.detect(image, () => {
        if (--left === 0) throw stop;
      });
      await expect(detecting).rejects.toBe(stop);
      expect(runs(pipeline).reduce((a, b) => a + b) - before).toBe(last - 1);
    }
    expect((await pipeline.detect(image)).detections).toHaveLength(1);
  });
});

describe('plates and the text on them', () => {
  const SIDE = 320;
  // One pixel of the image is one of the model. Text lines come out around it: 110…210 × 190…222.
  const bar = { x1: 120, y1: 200, x2: 200, y2: 212 };

  async function detect(plateScore: number, patch: Partial<DetectSetup>, grey = 255, plateRight = 225) {
    const pipeline = await open({
      classes: ['plate', 'text'],
      networks: [
        {
          model: await networks.plates([[100, 185, plateRight, 225, plateScore]], SIDE),
          keep: { plate: 0.1 },
        },
        { model: await networks.brightness(SIDE, SIDE), keep: { text: 0.2 } },
      ],
      mergePlatesAndText: true,
      ...patch,
    });
    return (await pipeline.detect(picture(SIDE, SIDE, { ...bar, grey }))).detections;
  }
  const labels = (found: readonly Detection[]): string[] => found.map((d) => d.label);

  it.each([
    ['a plate stands for its text', 0.45, {}, ['plate']],
    // What is not redacted must never stand for something else, or both stay readable.
    ['a plate below its threshold stands for nothing', 0.39, {}, ['text']],
    [
      '…nor does one whose threshold a caller has raised',
      0.45,
      { thresholds: { ...thresholds, plate: 0.6 } },
      ['text'],
    ],
    ['a plate that is not wanted stands for nothing', 0.9, { classes: ['text'] }, ['text']],
    ['text is not listed where it is not wanted', 0.9, { classes: ['plate'] }, ['plate']],
    ['both are listed where they are redacted differently', 0.9, { mergePlatesAndText: false }, ['text', 'plate']],
  ] as const)('%s', async (_, score, patch, expected) => {
    expect(labels(await detect(score, patch))).toEqual(expected);
  });

  it('a plate does not stand for text that goes on beyond it', async () => {
    expect(labels(await detect(0.9, {}, 255, 150))).toEqual(['text', 'plate']);
  });
});
