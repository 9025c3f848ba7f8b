import { availableParallelism } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { fillConfig } from '../src/config.ts';
import { UsageError } from '../src/errors.ts';
import { type Options, PRESETS, suggest } from '../src/options.ts';

const least: Options = { inputs: ['photos'], out: 'clean' };
const filled = (options: Partial<Options> = {}) => fillConfig({ ...least, ...options });

describe('fillConfig', () => {
  it('fills in every default', () => {
    expect(filled()).toEqual({
      inputs: ['photos'],
      out: path.resolve('clean'),
      privateDir: path.resolve('clean.private'),
      classes: ['face', 'body', 'plate', 'text'],
      redact: { face: 'blur', body: 'blur', plate: 'blur', text: 'blur' },
      fill: { r: 0, g: 0, b: 0 },
      grow: {},
      threshold: {},
      model: {},
      bodyFill: 'erase',
      textFill: 'glyphs',
      seed: 0,
      sourceIds: false,
      daliIndex: false,
      hfMetadata: false,
      pseudonyms: 'fresh',
      labels: 'none',
      keep: ['cls'],
      labelLoss: 0.2,
      protectLabels: [],
      quality: 'balanced',
      format: 'webdataset',
      samplesPerShard: 1000,
      detectEvery: 1,
      audio: 'drop',
      clipFormat: 'mp4',
      encode: 'keep',
      jpegQuality: 92,
      logGeometry: 'coarse',
      workers: availableParallelism(),
      device: 'cpu',
      limitPixels: 1e8,
      timeLimit: 120,
      overwrite: false,
      resume: true,
      retryFailed: false,
    });
  });

  it('keeps what is said', () => {
    const said = {
      grow: { face: 0.5 },
      threshold: { text: 0.25, plate: 1 },
      model: { face: './my.onnx' },
      quality: 'max',
      format: 'folder',
      samplesPerShard: 7,
      encode: 'webp',
      jpegQuality: 50,
      logGeometry: 'none',
      workers: 3,
      device: 'auto',
      limitPixels: 1000,
      timeLimit: 2.5,
      overwrite: true,
    } as const;
    expect(filled({ ...said, inputs: ['b', 'a'], privateDir: 'secret' })).toMatchObject({
      ...said,
      inputs: ['b', 'a'],
      privateDir: path.resolve('secret'),
    });
  });

  it('survives JSON unchanged, is frozen all through and leaves its argument alone', () => {
    const options = { ...least, inputs: ['a'], grow: { face: 0.1 }, redact: { text: 'solid' as const } };
    const config = fillConfig(options);
    expect(JSON.parse(JSON.stringify(config))).toEqual(config);
    const unfrozen = (value: unknown): boolean =>
      typeof value === 'object' && value !== null && (!Object.isFrozen(value) || Object.values(value).some(unfrozen));
    expect(unfrozen(config)).toBe(false);
    options.inputs.push('b');
    options.grow.face = 1;
    expect(config.inputs).toEqual(['a']);
    expect(config.grow).toEqual({ face: 0.1 });
  });

  it.each(Object.entries(PRESETS))('preset %s looks for %j', (preset, classes) => {
    expect(filled({ preset: preset as keyof typeof PRESETS }).classes).toEqual(classes);
  });

  it.each(['fast', 'balanced', 'max'] as const)('takes quality %s', (quality) => {
    expect(filled({ quality }).quality).toBe(quality);
  });

  it('lists classes once and in one order', () => {
    expect(filled({ classes: ['text', 'face', 'text'] }).classes).toEqual(['face', 'text']);
  });

  it('takes one mode for all classes or a mode by class', () => {
    expect(filled({ redact: 'solid' }).redact).toEqual({ face: 'solid', body: 'solid', plate: 'solid', text: 'solid' });
    expect(filled({ redact: { plate: 'pixelate', text: 'none' } }).redact).toEqual({
      face: 'blur',
      body: 'blur',
      plate: 'pixelate',
      text: 'none',
    });
  });

  it.each([
    ['black', 0, 0, 0],
    ['Orange', 255, 165, 0],
    ['#fff', 255, 255, 255],
    ['#10203f', 16, 32, 63],
    ['#102030ff', 16, 32, 48],
    ['rgb(1, 2, 3)', 1, 2, 3],
  ])('reads the colour %s', (fill, r, g, b) => {
    expect(filled({ fill }).fill).toEqual({ r, g, b });
  });

  const CLASS = 'a class (face, body, plate or text)';
  const MODE = 'blur, gaussian, pixelate, solid, inpaint, synthetic or none';
  it.each<[unknown, string]>([
    [null, 'Expected an object of options but received null'],
    ['photos', 'Expected an object of options but received photos'],
    [{ out: 'clean' }, 'Expected at least one path for <input> but received nothing'],
    [{ inputs: ['a'] }, 'Expected a folder for --out but received nothing'],
  ])('refuses %j alone', (options, message) => {
    expect(() => fillConfig(options)).toThrow(new UsageError(message));
  });

  it.each<[object, string]>([
    [{ inputs: [] }, 'Expected at least one path for <input> but received none'],
    [{ inputs: ['a', ''] }, 'Expected a path for <input> but received an empty string'],
    [{ inputs: 'a' }, 'Expected a list of paths for <input> but received a'],
    [{ out: '' }, 'Expected a folder for --out but received an empty string'],
    [{ out: 3 }, 'Expected a folder for --out but received 3'],
    [{ out: ['clean'] }, 'Expected a folder for --out but received a list'],
    [{ privateDir: '' }, 'Expected a folder for --private-dir but received an empty string'],
    [{ clases: [] }, 'Expected a known option but received --clases. Did you mean --classes?'],
    [
      { samplePerShard: 3 },
      'Expected a known option but received --sample-per-shard. Did you mean --samples-per-shard?',
    ],
    [{ zzz: 1 }, 'Expected a known option but received --zzz'],
    [{ classes: [] }, 'Expected at least one class for --classes but received none'],
    [{ classes: 'face' }, 'Expected a list of classes for --classes but received face'],
    [{ classes: ['face', 'fase'] }, `Expected ${CLASS} for --classes but received fase. Did you mean face?`],
    [{ classes: ['nose'] }, `Expected ${CLASS} for --classes but received nose`],
    [{ preset: 'stret' }, 'Expected strict, street or faces for --preset but received stret. Did you mean street?'],
    [{ preset: 'street', classes: ['face'] }, 'Expected either --preset or --classes but received both'],
    [{ redact: 'blurr' }, `Expected ${MODE} for --redact but received blurr. Did you mean blur?`],
    [{ redact: 3 }, `Expected ${MODE} for --redact but received 3`],
    [{ redact: { face: 'sold' } }, `Expected ${MODE} for --redact face but received sold. Did you mean solid?`],
    [{ redact: { nose: 'blur' } }, `Expected ${CLASS} for --redact but received nose`],
    [{ bodyFill: 'erase' }, 'Expected --redact body=synthetic with --body-fill but received blur'],
    [
      { redact: { text: 'inpaint' }, textFill: 'erase' },
      'Expected --redact text=synthetic with --text-fill but received inpaint',
    ],
    [
      { redact: 'synthetic', textFill: 'glyph' },
      'Expected glyphs or erase for --text-fill but received glyph. Did you mean glyphs?',
    ],
    [
      { keep: ['json'] },
      'Expected single fields of .json members, such as json.caption, for --keep but received "json"',
    ],
    [{ fromFile: 'list.jsonl' }, 'Expected no inputs with --from-file, whose lines may tell them, but received some'],
    [{ labelLoss: 0.5 }, 'Expected --labels yolo, voc or coco with --label-loss but received none'],
    [
      { labels: 'folder' },
      'Expected none, folders, yolo, voc, coco, masks, metadata or auto for --labels but received folder. Did you mean folders?',
    ],
    [
      { labels: 'folders', format: 'folder' },
      'Expected --format webdataset with --labels folders: a mirrored tree keeps its folders anyway',
    ],
    [{ seed: -1 }, 'Expected a whole number from 0 to 4294967295 for --seed but received -1'],
    [{ seed: 0.5 }, 'Expected a whole number from 0 to 4294967295 for --seed but received 0.5'],
    [{ pseudonyms: 'stabel' }, 'Expected fresh or stable for --pseudonyms but received stabel. Did you mean stable?'],
    [{ fill: 'blck' }, 'Expected an opaque CSS colour for --fill but received "blck"'],
    [{ fill: '' }, 'Expected an opaque CSS colour for --fill but received ""'],
    [{ fill: 'transparent' }, 'Expected an opaque CSS colour for --fill but received "transparent"'],
    [{ fill: '#00000080' }, 'Expected an opaque CSS colour for --fill but received "#00000080"'],
    [{ fill: 0 }, 'Expected a CSS colour for --fill but received 0'],
    [{ grow: { face: -0.1 } }, 'Expected a number from 0 to 2 for --grow face but received -0.1'],
    [{ grow: { face: 3 } }, 'Expected a number from 0 to 2 for --grow face but received 3'],
    [{ grow: 0.2 }, 'Expected a value by class for --grow but received 0.2'],
    [{ threshold: { plate: 1.01 } }, 'Expected a number from 0 to 1 for --threshold plate but received 1.01'],
    [{ threshold: { plate: Number.NaN } }, 'Expected a number from 0 to 1 for --threshold plate but received NaN'],
    [{ threshold: { plate: 'high' } }, 'Expected a number from 0 to 1 for --threshold plate but received high'],
    [{ threshold: { plte: 0.5 } }, `Expected ${CLASS} for --threshold but received plte. Did you mean plate?`],
    [{ model: { face: '' } }, 'Expected a model id or path for --model face but received an empty string'],
    [{ quality: 2 }, 'Expected fast, balanced or max for --quality but received 2'],
    [{ quality: 'best' }, 'Expected fast, balanced or max for --quality but received best. Did you mean fast?'],
    [{ format: 'zip' }, 'Expected webdataset or folder for --format but received zip'],
    [{ samplesPerShard: 0 }, 'Expected a whole number from 1 to 1000000 for --samples-per-shard but received 0'],
    [{ samplesPerShard: 1.5 }, 'Expected a whole number from 1 to 1000000 for --samples-per-shard but received 1.5'],
    [{ encode: 'jpg' }, 'Expected keep, jpeg, png or webp for --encode but received jpg. Did you mean jpeg?'],
    [{ encode: 'avif' }, 'Expected keep, jpeg, png or webp for --encode but received avif'],
    [{ jpegQuality: 101 }, 'Expected a whole number from 1 to 100 for --jpeg-quality but received 101'],
    [
      { logGeometry: 'coars' },
      'Expected full, coarse or none for --log-geometry but received coars. Did you mean coarse?',
    ],
    [{ workers: 0 }, 'Expected a whole number from 1 to 512 for --workers but received 0'],
    [{ workers: 'two' }, 'Expected a whole number from 1 to 512 for --workers but received two'],
    [{ device: 'tpux' }, 'Expected cpu, cuda, webgpu or auto for --device but received tpux'],
    [{ limitPixels: 2e9 }, 'Expected a whole number from 1 to 1000000000 for --limit-pixels but received 2000000000'],
    [{ timeLimit: 0.5 }, 'Expected a number from 1 to 86400 for --time-limit but received 0.5'],
    [{ timeLimit: Infinity }, 'Expected a number from 1 to 86400 for --time-limit but received Infinity'],
    [{ overwrite: 'yes' }, 'Expected true or false for --overwrite but received yes'],
    [{ resume: 'no' }, 'Expected true or false for --resume but received no'],
    [{ shardIndex: 0 }, 'Expected --shard-count with --shard-index but received only one of them'],
    [{ shardCount: 2 }, 'Expected --shard-index with --shard-count but received only one of them'],
    [
      { shardIndex: 2, shardCount: 2 },
      'Expected a whole number from 0 to 1 for --shard-index with --shard-count 2 but received 2',
    ],
    [
      { shardIndex: 0, shardCount: 2, overwrite: true },
      'Expected no --overwrite with --shard-index, since other processes may be at work in the folder; remove it by hand, or start over without --shard-index',
    ],
    [
      { retryFailed: true, overwrite: true },
      'Expected an earlier output to be gone on with for --retry-failed but received --overwrite',
    ],
    [
      { retryFailed: true, resume: false },
      'Expected an earlier output to be gone on with for --retry-failed but received --no-resume',
    ],
  ])('refuses %j', (options, message) => {
    expect(() => fillConfig({ ...least, ...options })).toThrow(new UsageError(message));
  });
});

describe('suggest', () => {
  it.each([
    ['fase', ['face', 'body'], '. Did you mean face?'],
    ['webdatset', ['webdataset', 'folder'], '. Did you mean webdataset?'],
    ['nose', ['face', 'body'], ''],
    ['', ['face'], ''],
    ['face', [], ''],
  ])('%j of %j: %j', (word, choices, expected) => {
    expect(suggest(word, choices)).toBe(expected);
  });
});
