import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import type { Box, RgbImage } from '../../src/core/types.ts';
import { Network, type NetworkSetup } from '../../src/detect/network.ts';
import { encodeModel } from '../../src/models/compile/onnx.ts';
import { PER_CLASS_BOX_CLASSES } from '../../src/models/families.ts';
import type { Family, ModelInput, ModelLevel } from '../../src/models/manifest.ts';
import type { ReadyModel } from '../../src/models/store.ts';
import { brightnessModel, constantModel, float, node, save } from '../models/tiny-onnx.ts';

export type Size = ModelInput['size'];
type Align = ModelInput['align'];

/** Black, with boxes of one grey. */
export function picture(
  width: number,
  height: number,
  ...bars: readonly (Box & { readonly grey?: number })[]
): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (const { x1, y1, x2, y2, grey = 255 } of bars) {
    for (let y = y1; y < y2; y++) data.fill(grey, (y * width + x1) * 3, (y * width + x2) * 3);
  }
  return { data, width, height };
}

/** One look, unless `patch` says otherwise. */
export function levelOf(patch: Partial<ModelLevel> = {}): ModelLevel {
  return { enlarge: 2, mirror: false, classes: {}, ...patch };
}

/** A model that takes pixels as 0…1. */
export function ready(family: Family, file: string, size: Size, align: Align, level?: Partial<ModelLevel>): ReadyModel {
  const input: ModelInput = {
    size,
    multiple: 32,
    align,
    layout: 'nchw',
    channels: 'rgb',
    mean: [0, 0, 0],
    std: [255, 255, 255],
    pad: 0,
  };
  return { id: path.parse(file).name, family, path: file, sha256: '', input, level: levelOf(level) };
}

/** Networks whose files live as long as the test file that asks for them. */
export function tinyNetworks() {
  let dir = '';
  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'networks-'));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  return {
    save: (name: string, bytes: Uint8Array): Promise<string> => save(dir, name, bytes),

    /** Bright is text: finds bars at least two pixels of the model high. */
    async brightness(
      width: number,
      height: number,
      { align = 'top-left' as Align, level = {} as Partial<ModelLevel> } = {},
    ): Promise<ReadyModel> {
      const file = await save(dir, `ocr-${width}-${height}.onnx`, brightnessModel(width, height));
      return ready('db', file, { width, height }, align, level);
    },

    /** Sees the same plates everywhere: x1, y1, x2, y2 in pixels of the model, score. */
    async plates(
      rows: readonly (readonly [number, number, number, number, number])[],
      side: number,
      { align = 'top-left' as Align, level = {} as Partial<ModelLevel> } = {},
    ): Promise<ReadyModel> {
      const data = Float32Array.from(rows.flatMap((row) => [...plateRow(row.slice(0, 4)), row[4], ...plateRest(row)]));
      const bytes = constantModel({ output: { shape: [1, rows.length, 15], data } }, [1, 3, side, side]);
      return ready('hyperlpr', await save(dir, 'plates.onnx', bytes), { width: side, height: side }, align, level);
    },

    /** Sees one plate in the same place of every picture, with the picture's mean brightness for a score. */
    async brightPlate(box: Box, side: number): Promise<ReadyModel> {
      const corners = [box.x1, box.y1, box.x2, box.y2, 0] as const;
      const fixed = Float32Array.from([...plateRow(corners), 0, ...plateRest(corners)]);
      const score = new Float32Array(15);
      score[4] = 1;
      const bytes = encodeModel({
        name: 'bright-plate',
        nodes: [
          {
            ...node('ReduceMean', ['image'], 'mean'),
            attributes: { axes: { ints: [1, 2, 3] }, keepdims: { int: 0 } },
          },
          node('Mul', ['mean', 'score'], 'scored'),
          node('Add', ['scored', 'fixed'], 'output'),
        ],
        initializers: [
          { name: 'fixed', dims: [1, 1, 15], data: fixed },
          { name: 'score', dims: [1, 1, 15], data: score },
        ],
        inputs: [float('image', [1, 3, side, side])],
        outputs: [float('output', [1, 1, 15])],
      });
      const file = await save(dir, 'bright-plate.onnx', bytes);
      return ready('hyperlpr', file, { width: side, height: side }, 'top-left');
    },

    /** Sees the same faces, bodies and plates everywhere. */
    async perClass(objects: readonly Found[], side: number, level: Partial<ModelLevel> = {}): Promise<ReadyModel> {
      const bytes = constantModel({ predictions: predictions(objects, side, side) }, [1, 3, side, side]);
      const file = await save(dir, 'per-class.onnx', bytes);
      return ready('per-class-box', file, { width: side, height: side }, 'top-left', level);
    },

    /** Sees the same objects everywhere: x1, y1, x2, y2 in pixels of the model, score, COCO class index. */
    async objects(
      rows: readonly (readonly [number, number, number, number, number, number])[],
      side: number,
    ): Promise<ReadyModel> {
      const cells = side / 4;
      const scores = new Float32Array(80 * cells * cells);
      const sides = new Float32Array(4 * cells * cells);
      for (const [x1, y1, x2, y2, score, index] of rows) {
        const [column, row] = [Math.floor((x1 + x2) / 8), Math.floor((y1 + y2) / 8)];
        scores[(index * cells + row) * cells + column] = score;
        for (const [i, value] of [column * 4 - x1, row * 4 - y1, x2 - column * 4, y2 - row * 4].entries()) {
          sides[(i * cells + row) * cells + column] = value;
        }
      }
      const outputs = {
        'tower_0/mul_1': { shape: [1, 80, cells, cells], data: scores },
        'tower_0/mul': { shape: [1, 4, cells, cells], data: sides },
      };
      const file = await save(dir, 'objects.onnx', constantModel(outputs, [1, 3, side, side]));
      return ready('centernet', file, { width: side, height: side }, 'top-left');
    },
  };
}

/** One object as a network of the per-class-box family reports it. */
export interface Found {
  readonly label: (typeof PER_CLASS_BOX_CLASSES)[number];
  /** Pixels of the model. */
  readonly box: Box;
  readonly score: number;
  readonly stride: 8 | 16 | 32;
}

/** The output of a per-class-box network for an input of this size, each object in the cell that holds its centre. */
export function predictions(
  objects: readonly Found[],
  width: number,
  height: number,
): { readonly data: Float32Array; readonly shape: readonly number[] } {
  const strides = [8, 16, 32];
  const cellsOf = (stride: number): number => (width / stride) * (height / stride);
  const cells = strides.reduce((sum, stride) => sum + cellsOf(stride), 0);
  const data = new Float32Array(cells * 15);
  for (const { label, box, score, stride } of objects) {
    const [x, y] = [(box.x1 + box.x2) / 2 / stride, (box.y1 + box.y2) / 2 / stride];
    const [column, row] = [Math.floor(x), Math.floor(y)];
    const before = strides.filter((s) => s < stride).reduce((sum, s) => sum + cellsOf(s), 0);
    const cell = before + row * (width / stride) + column;
    const size = [Math.log((box.x2 - box.x1) / stride), Math.log((box.y2 - box.y1) / stride)];
    const at = cell * 15 + PER_CLASS_BOX_CLASSES.indexOf(label) * 5;
    data.set([x - column, y - row, ...size, score], at);
  }
  return { data, shape: [1, cells, 15] };
}

/** Centre and size. */
function plateRow([x1 = 0, y1 = 0, x2 = 0, y2 = 0]: readonly number[]): number[] {
  return [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1];
}

/** Corners, and one line of text for sure. */
function plateRest([x1, y1, x2, y2]: readonly [number, number, number, number, number]): number[] {
  return [x1, y1, x2, y1, x2, y2, x1, y2, 1, 0];
}

/** A network that is closed when the test is over. */
export async function open(model: ReadyModel, keep: NetworkSetup['keep']): Promise<Network> {
  const network = await Network.open({ model, keep }, 'cpu');
  onTestFinished(() => network.close());
  return network;
}

export const runsOf = (network: { readonly runs: ReadonlyMap<string, number> }): number =>
  [...network.runs.values()].reduce((sum, n) => sum + n, 0);
