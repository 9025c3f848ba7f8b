import { describe, expect, it } from 'vitest';
import { ModelError } from '../../src/errors.ts';
import { FAMILY_TRAITS, identifyFamily, inputOf } from '../../src/models/families.ts';
import { FAMILIES } from '../../src/models/manifest.ts';
import type { TensorInfo } from '../../src/models/session.ts';

const info = (name: string, ...shape: (number | string)[]): TensorInfo => ({ name, shape });
const yunet = [8, 16, 32].flatMap((s) => [
  info(`cls_${s}`, 1, 'n', 1),
  info(`obj_${s}`, 1, 'n', 1),
  info(`bbox_${s}`, 1, 'n', 4),
  info(`kps_${s}`, 1, 'n', 10),
]);

describe('identifyFamily', () => {
  it.each([
    ['ssd', [info('boxes', 1, 5118, 4), info('scores', 1, 5118)]],
    ['centernet', [info('tower_0/mul_1', 1, 80, 'h', 'w'), info('tower_0/mul', 1, 4, 'h', 'w')]],
    ['db', [info('sigmoid_0.tmp_0', 'n', 1, 'h', 'w')]],
    ['db', [info('4', '?', '?')]],
    ['yunet', yunet],
    ['ultraface', [info('scores', 1, 4420, 2), info('boxes', 1, 4420, 4)]],
    ['yolox', [info('output', 1, 3549, 85)]],
    ['hyperlpr', [info('output', 1, 6300, 15)]],
    // Rows of the same length: the name tells.
    ['per-class-box', [info('predictions', 1, 8400, 15)]],
    ['per-class-box', [info('predictions', 1, 'cells', 15)]],
    ['per-class-box', [info('predictions', 'batch', 'cells', 15)]],
  ] as const)('recognises %s', (family, outputs) => {
    expect(identifyFamily('m', outputs)).toBe(family);
  });

  it.each([
    ['a classifier', [info('logits', 1, 1000, 1)]],
    ['three-channel maps', [info('map', 1, 3, 'h', 'w')]],
    ['part of YuNet', yunet.filter((o) => o.name !== 'obj_16')],
    ['CenterNet with other classes', [info('tower_0/mul_1', 1, 2, 'h', 'w'), info('tower_0/mul', 1, 4, 'h', 'w')]],
    ['CenterNet without sizes', [info('tower_0/mul_1', 1, 80, 'h', 'w'), info('class', 1)]],
    ['YOLO with other classes', [info('output', 1, 8400, 84)]],
    ['boxes without scores', [info('boxes', 1, 4420, 4)]],
    ['boxes of other classes', [info('predictions', 1, 8400, 20)]],
    ['boxes by class, and more', [info('predictions', 1, 8400, 15), info('masks', 1, 8400, 32)]],
    ['boxes by class on a map', [info('predictions', 1, 15, 80, 80)]],
  ])('refuses %s, listing what it can read and what it got', (_, outputs) => {
    const identify = () => identifyFamily('m', outputs);
    expect(identify).toThrow(ModelError);
    const got = outputs.map((o) => `${o.name}[${o.shape.join(',')}]`).join(' ');
    expect(identify).toThrow(
      `Model m: expected the outputs of a known family (${Object.keys(FAMILY_TRAITS).join(', ')}) but received ${got}`,
    );
  });
});

describe('inputOf', () => {
  it.each(FAMILIES)('takes the size of a fixed input of %s, height before width', (family) => {
    expect(inputOf('m', family, info('image', 1, 3, 240, 320)).size).toEqual({ width: 320, height: 240 });
  });

  it.each([
    ['names', ['batch', 3, 'height', 'width']],
    ['no names', ['', 3, '', '']],
    ['height only', [1, 3, 240, 'width']],
  ] as const)("scales to the family's long side where dimensions are dynamic (%s)", (_, shape) => {
    expect(inputOf('m', 'db', info('x', ...shape)).size).toEqual({ longSide: 960 });
  });

  it('keeps the normalisation of the family', () => {
    const { size, ...format } = inputOf('m', 'ultraface', info('x', 1, 3, 240, 320));
    expect(size).toEqual({ width: 320, height: 240 });
    const { longSide, ...expected } = FAMILY_TRAITS.ultraface.input;
    expect(longSide).toBe(640);
    expect(format).toEqual(expected);
  });

  it.each([
    ['channels last', [1, 320, 320, 3]],
    ['grey', [1, 1, 320, 320]],
    ['a fixed batch', [8, 3, 320, 320]],
  ] as const)('refuses %s', (_, shape) => {
    expect(() => inputOf('m', 'yunet', info('x', ...shape))).toThrow(
      new ModelError(`Model m: expected an input of [1,3,H,W] for yunet but received [${shape.join(',')}]`),
    );
  });
});
