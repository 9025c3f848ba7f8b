import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { sha256Hex } from '../../src/models/cache.ts';
import { loadManifest } from '../../src/models/manifest.ts';
import { predictions } from '../detect/tiny-networks.ts';
import { constantModel } from '../models/tiny-onnx.ts';
import { anonymize, json, jsonLines, photograph, type Ran, sharedScratch, write } from './command.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const SHARED = 'face-body-plate';
const SIDE = 64;

const root = await sharedScratch();
const at = (...names: string[]): string => path.join(root, ...names);

/** Not quite on a pixel's border, since boxes are rounded outwards. */
const within = (x1: number, y1: number, x2: number, y2: number) => ({
  x1: x1 + 0.1,
  y1: y1 + 0.1,
  x2: x2 - 0.1,
  y2: y2 - 0.1,
});

/** Sees a face, a body and a plate in the same places of every picture; a pixel of it is two of the photographs. */
const onnx = constantModel(
  {
    predictions: predictions(
      [
        { label: 'face', box: within(10, 8, 20, 20), score: 0.9, stride: 8 },
        { label: 'body', box: within(4, 4, 30, 60), score: 0.8, stride: 32 },
        { label: 'plate', box: within(40, 44, 60, 50), score: 0.7, stride: 16 },
      ],
      SIDE,
      SIDE,
    ),
  },
  [1, 3, SIDE, SIDE],
);
const sha256 = sha256Hex(onnx);

/** Who is the default for a class for which the shared network is not. */
const OTHERWISE: Record<string, string> = {
  face: 'ssd-mobilenetv1-face',
  body: 'centernet-mobilenetv3',
  plate: 'plate-shape',
  text: 'ppocrv4-det',
};

/** A copy of the installed package in which such a network is the default for some classes. */
async function install(name: string, defaultFor: readonly string[]): Promise<string> {
  for (const part of ['bin', 'dist', 'package.json']) {
    await cp(path.join(PROJECT, part), at(name, part), { recursive: true });
  }
  await symlink(path.join(PROJECT, 'node_modules'), at(name, 'node_modules'));
  await mkdir(at(name, 'models'));
  await writeFile(at(name, 'models', `${SHARED}.onnx`), onnx);
  await cp(path.join(PROJECT, 'models/synthetic-face.bin'), at(name, 'models/synthetic-face.bin'));
  const manifest = structuredClone(loadManifest()) as { models: Record<string, unknown>[] };
  for (const model of manifest.models) {
    delete model.defaultAt;
    if (model.id !== SHARED) {
      const { id } = model;
      model.defaultFor = Object.keys(OTHERWISE).filter((cls) => OTHERWISE[cls] === id && !defaultFor.includes(cls));
      continue;
    }
    model.defaultFor = defaultFor;
    model.source = { kind: 'project', path: `${SHARED}.onnx`, sha256 };
    model.input = { ...(model.input as object), size: { width: SIDE, height: SIDE } };
  }
  await writeFile(at(name, 'models/manifest.json'), JSON.stringify(manifest));
  return at(name, 'bin/anonymize.cjs');
}

const all = ['face', 'body', 'plate'];
const name = (cls: string): string => `${cls}:${SHARED}@sha256:${sha256}`;

beforeAll(async () => {
  const square = sharp(await photograph(1)).resize(2 * SIDE, 2 * SIDE, { fit: 'fill' });
  await write(at('in'), { 'a.jpg': await square.jpeg().toBuffer() });
});

describe('one model that is the default for faces, bodies and plates', () => {
  let command: string;
  const run = (...args: string[]): Promise<Ran> => anonymize(args, { cwd: root, command });

  beforeAll(async () => {
    command = await install('all', all);
  });

  it('is listed as such, without a word about a stand-in', async () => {
    const { code, stdout } = await run('models', 'list');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^face-body-plate +face,body,plate +default +ready /m);
    expect(stdout).not.toContain('interim');
  });

  it('passes the self-check, and is found damaged when it is', async () => {
    expect(await run('models', 'check')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^ok {6}face-body-plate: opens on cpu$/m),
    });
    const damaged = await install('damaged', all);
    const list = (): Promise<Ran> => anonymize(['models', 'list'], { command: damaged });
    expect((await list()).stdout).toMatch(/^face-body-plate .* ready /m);
    await writeFile(at('damaged/models', `${SHARED}.onnx`), onnx.subarray(1));
    expect((await list()).stdout).toMatch(/^face-body-plate .* missing or damaged /m);
    expect((await anonymize(['models', 'check'], { command: damaged })).stdout).toMatch(
      /^FAILED {2}face-body-plate: /m,
    );
    const ran = await anonymize(['in', '--out', 'no', '--preset', 'faces'], { cwd: root, command: damaged });
    expect(ran).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(`Model ${SHARED}: expected .* to have sha256 ${sha256} but received`),
    });
  });

  it('redacts all of them, each in its own way, and the log names it for each', async () => {
    const options = ['--classes', 'face,body,plate', '--quality', 'fast', '--log-geometry', 'full', '--grow'];
    const { code, stdout } = await run('in', '--out', 'clean', '--json', ...options, 'face=0,body=0,plate=0');
    expect(code).toBe(0);
    const summary = JSON.parse(stdout);
    expect(summary.models).toEqual(all.map(name));
    expect(summary.notices).toEqual([]);
    expect(Object.keys(summary.msPerImage)).toContain(SHARED);
    const [record] = (await jsonLines(at('clean/_anonymize/redactions/00000.jsonl'))) as {
      models: unknown;
      counts: unknown;
      regions: { class: string; box: number[]; shape: string }[];
    }[];
    expect(record?.models).toEqual(all.map(name));
    expect(record?.counts).toEqual({ face: 1, body: 1, plate: 1, text: 0 });
    const regions = Object.fromEntries((record?.regions ?? []).map((r) => [r.class, r]));
    expect(regions.body).toMatchObject({ shape: 'box', box: [8, 8, 52, 112] });
    // Around the box of 40 × 12 pixels from (80, 88), with slack in pixels of the model, which is shown half of them.
    const slack = 2 * (loadManifest().families['per-class-box']?.fast.classes.plate?.slack ?? 0);
    expect(slack).toBeGreaterThan(0);
    const box = [80 - slack, 88 - slack, 40 + 2 * slack, 12 + 2 * slack];
    expect(regions.plate).toMatchObject({ shape: 'box', box });
    // Around the box of 20 × 24 pixels from (20, 16).
    expect(regions.face?.shape).toBe('ellipse');
    const [x = 0, y = 0, w = 0, h = 0] = regions.face?.box ?? [];
    expect(x < 20 && y < 16 && x + w > 40 && y + h > 40 && w < 32 && h < 38).toBe(true);
    const { threshold } = (await json(at('clean/_anonymize/run.json'))) as { threshold: Record<string, number> };
    for (const cls of all) expect(threshold[cls]).toBeGreaterThan(0);
    expect(await run('verify', 'clean')).toMatchObject({ code: 0 });
  });

  it('is measured class by class', async () => {
    const boxes = [
      { class: 'face', x: 20, y: 16, w: 20, h: 24 },
      { class: 'body', x: 8, y: 8, w: 52, h: 112 },
      { class: 'plate', x: 10, y: 100, w: 40, h: 12 },
    ];
    const annotations = { images: [{ file: 'a.jpg', width: 128, height: 128, source: 'drawn', boxes }] };
    await write(at('labelled'), {
      'a.jpg': await readFile(at('in/a.jpg')),
      'annotations.json': JSON.stringify(annotations),
    });
    const options = ['--quality', 'fast', '--classes', 'face,body,plate', '--json', 'eval.json'];
    expect(await run('eval', '--data', 'labelled', ...options)).toMatchObject({ code: 0 });
    const { classes } = (await json(at('eval.json'))) as {
      classes: { class: string; model: string; cover90: { value: number } }[];
    };
    expect(classes.map((c) => [c.class, c.model, c.cover90.value])).toEqual([
      ['face', `${SHARED}@sha256:${sha256}`, 1],
      ['body', `${SHARED}@sha256:${sha256}`, 1],
      ['plate', `${SHARED}@sha256:${sha256}`, 0],
    ]);
  });
});

it('may be the default for plates alone', async () => {
  const command = await install('plates', ['plate']);
  const { stdout } = await anonymize(['models', 'list'], { cwd: root, command });
  expect(stdout).toMatch(/^face-body-plate +face,body,plate +default for plate +ready /m);
  expect(stdout).not.toContain('interim');
  const options = ['--preset', 'street', '--quality', 'fast', '--json'];
  const ran = await anonymize(['in', '--out', 'street', ...options], { cwd: root, command });
  expect(ran.code).toBe(0);
  const { models, regions } = JSON.parse(ran.stdout);
  expect(models[0]).toMatch(/^face:(?!face-body-plate)/);
  expect(models[1]).toBe(name('plate'));
  expect(regions.plate).toBe(1);
});
