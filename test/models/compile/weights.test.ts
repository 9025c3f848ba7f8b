import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ModelError } from '../../../src/errors.ts';
import { readWeights } from '../../../src/models/compile/weights.ts';

function manifest(...weights: readonly object[]): unknown {
  return [{ paths: ['a.bin'], weights }];
}

function bytesOf(data: { buffer: ArrayBufferLike }): Uint8Array {
  return new Uint8Array(data.buffer);
}

describe('decoding', () => {
  const affine = { scale: 0.5, min: -1 };
  test.each([
    ['float32', 'float32', undefined, Float32Array.of(1.5, -2), Float32Array.of(1.5, -2)],
    ['int32', 'int32', undefined, Int32Array.of(7, -8), Int32Array.of(7, -8)],
    ['bool', 'bool', undefined, Uint8Array.of(1, 0), Uint8Array.of(1, 0)],
    ['uint8', 'float32', { dtype: 'uint8', ...affine }, Uint8Array.of(0, 255), Float32Array.of(-1, 126.5)],
    ['uint16', 'float32', { dtype: 'uint16', ...affine }, Uint16Array.of(1, 65535), Float32Array.of(-0.5, 32766.5)],
    ['quantised integers', 'int32', { dtype: 'uint8', scale: 0.6, min: 0 }, Uint8Array.of(1, 4), Int32Array.of(1, 2)],
    [
      'float16',
      'float32',
      { dtype: 'float16', original_dtype: 'float32' },
      Uint16Array.of(0x3c00, 0xc100, 0x0001, 0x83ff, 0x7bff, 0x8000, 0x7c00, 0xfc00, 0x7e00),
      Float32Array.of(1, -2.5, 2 ** -24, -1023 * 2 ** -24, 65504, -0, Infinity, -Infinity, Number.NaN),
    ],
  ])('%s', (_, dtype, quantization, stored, expected) => {
    const spec = { name: 'w', shape: [stored.length], dtype, ...(quantization && { quantization }) };
    expect(readWeights(manifest(spec), bytesOf(stored)).get('w')).toEqual({ shape: [stored.length], data: expected });
  });

  test('weights follow each other without alignment, over groups, in a Buffer that starts anywhere', () => {
    const groups = [
      { paths: ['1'], weights: [{ name: 'a', shape: [3], dtype: 'bool' }] },
      {
        paths: ['2'],
        weights: [
          { name: 'b', shape: [1, 2], dtype: 'float32' },
          { name: 'c', shape: [], dtype: 'int32' },
        ],
      },
    ];
    const file = Buffer.concat([
      Buffer.of(9),
      Buffer.of(1, 0, 1),
      bytesOf(Float32Array.of(3, 4)),
      bytesOf(Int32Array.of(5)),
    ]);
    const weights = readWeights(groups, file.subarray(1));
    expect(weights.get('a').data).toEqual(Uint8Array.of(1, 0, 1));
    expect(weights.get('b', [1, 2]).data).toEqual(Float32Array.of(3, 4));
    expect(weights.get('c', []).data).toEqual(Int32Array.of(5));
  });

  test('quantised values are exactly scale · code + min, rounded to float32', () => {
    const number = fc.double({ min: -1e3, max: 1e3, noNaN: true });
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 9 }), number, number, (codes, scale, min) => {
        const spec = {
          name: 'w',
          shape: [codes.length],
          dtype: 'float32',
          quantization: { dtype: 'uint8', scale, min },
        };
        const { data } = readWeights(manifest(spec), codes).get('w');
        expect(Array.from(data)).toEqual(Array.from(codes, (code) => Math.fround(code * scale + min)));
      }),
    );
  });
});

describe('refusals', () => {
  const w = { name: 'w', shape: [2, 3], dtype: 'float32' };
  const quantised = { ...w, quantization: { dtype: 'uint8', scale: 1, min: 0 } };
  test.each([
    ['a truncated file', manifest(w), 23, 'Expected 24 bytes of weights but received 23'],
    ['trailing bytes', manifest(w), 25, 'Expected 24 bytes of weights but received 25'],
    ['a truncated quantised file', manifest(quantised), 5, 'Expected 6 bytes of weights but received 5'],
    ['no manifest', undefined, 0, 'Expected a weights manifest (an array of groups) but received undefined'],
    ['a group without weights', [{ paths: [] }], 0, 'Expected an array "weights" in group 0'],
    ['a weight without a name', manifest({ shape: [], dtype: 'int32' }), 4, 'name'],
    ['a negative dimension', manifest({ ...w, shape: [-1] }), 0, 'Weight w: expected a shape of whole numbers'],
    ['an unknown dtype', manifest({ ...w, dtype: 'string' }), 24, 'float32, int32, bool but received "string"'],
    ['an unknown quantisation', manifest({ ...w, quantization: { dtype: 'int4' } }), 3, 'float16, uint8, uint16'],
    [
      'an infinite scale',
      manifest({ ...quantised, quantization: { dtype: 'uint8', scale: null, min: 0 } }),
      6,
      'finite',
    ],
    [
      'float16 of integers',
      manifest({ ...w, dtype: 'int32', quantization: { dtype: 'float16' } }),
      12,
      'int32 as float16',
    ],
    ['two weights of one name', manifest(w, w), 48, 'Expected one weight w but received two'],
  ])('%s', (_, json, length, message) => {
    const read = (): unknown => readWeights(json, new Uint8Array(length));
    expect(read).toThrow(ModelError);
    expect(read).toThrow(message);
  });

  test('a weight that is missing or has another shape is named', () => {
    const weights = readWeights(manifest(w), new Uint8Array(24));
    expect(() => weights.get('v')).toThrow(new ModelError('Expected weight v but received a manifest of 1 others'));
    expect(() => weights.get('w', [3, 2])).toThrow(
      new ModelError('Expected weight w of shape [3,2] but received [2,3]'),
    );
  });
});
