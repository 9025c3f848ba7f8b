import { describe, expect, it } from 'vitest';
import { CLASSES } from '../../src/core/types.ts';
import { ModelError } from '../../src/errors.ts';
import { FAMILY_TRAITS } from '../../src/models/families.ts';
import { defaultModel, FAMILIES, findModel, loadManifest, parseManifest } from '../../src/models/manifest.ts';

const HASH = 'a'.repeat(64);

const input = {
  size: { longSide: 640 },
  align: 'top-left',
  layout: 'nchw',
  channels: 'rgb',
  mean: [0, 0, 0],
  std: [1, 1, 1],
  pad: 0,
};

const model = {
  id: 'some-face',
  classes: ['face'],
  family: 'yunet',
  source: { kind: 'url', url: 'https://example.org/face.onnx', sha256: HASH },
  license: 'MIT',
  origin: 'somewhere',
  input,
  threshold: 0.5,
  growth: 0.2,
};

function manifest(patch: object = {}, ...others: object[]): unknown {
  return {
    version: 1,
    selfCheck: { package: 'p', path: 'photo.jpg', sha256: HASH, expect: { face: 1 } },
    models: [{ ...model, ...patch }, ...others],
  };
}

describe('parseManifest', () => {
  it('fills in what may be left out', () => {
    expect(parseManifest(manifest()).models).toEqual([
      { ...model, defaultFor: [], interim: false, input: { ...input, multiple: 32 } },
    ]);
  });

  it.each([
    ['no object', 7, '(root)'],
    ['another version', { ...(manifest() as object), version: 2 }, 'version'],
    ['an unknown key', { ...(manifest() as object), modells: [] }, 'modells'],
    ['an unknown key of a model', manifest({ licence: 'MIT' }), 'models.0.licence'],
    ['an id with a slash', manifest({ id: 'a/b' }), 'models.0.id'],
    ['no class', manifest({ classes: [] }), 'models.0.classes'],
    ['an unknown class', manifest({ classes: ['nose'] }), 'models.0.classes.0'],
    ['an unknown family', manifest({ family: 'yolov9' }), 'models.0.family'],
    ['an unknown kind of source', manifest({ source: { kind: 'ftp' } }), 'models.0.source.kind'],
    ['a short hash', manifest({ source: { ...model.source, sha256: 'abc' } }), 'models.0.source.sha256'],
    ['an upper-case hash', manifest({ source: { ...model.source, sha256: 'A'.repeat(64) } }), 'models.0.source.sha256'],
    ['no URL', manifest({ source: { ...model.source, url: 'face.onnx' } }), 'models.0.source.url'],
    ['a threshold above 1', manifest({ threshold: 1.5 }), 'models.0.threshold'],
    ['a negative growth', manifest({ growth: -0.1 }), 'models.0.growth'],
    ['no size', manifest({ input: { ...input, size: { width: 640 } } }), 'models.0.input.size'],
    ['a size of nothing', manifest({ input: { ...input, size: { longSide: 0 } } }), 'models.0.input.size'],
    ['two means', manifest({ input: { ...input, mean: [0, 0] } }), 'models.0.input.mean'],
    ['no licence', manifest({ license: undefined }), 'models.0.license'],
  ])('refuses %s and says where', (_, json, where) => {
    const parse = () => parseManifest(json);
    expect(parse).toThrow(ModelError);
    expect(parse).toThrow(`models/manifest.json: ${where}`);
  });

  it.each([
    ['two models of one id', manifest({}, model), 'expected unique ids but received some-face twice'],
    [
      'weights without an input',
      manifest({ input: undefined }),
      'some-face: expected an input description but received none',
    ],
  ])('refuses %s', (_, json, message) => {
    expect(() => parseManifest(json)).toThrow(new ModelError(`models/manifest.json: ${message}`));
  });
});

describe('the manifest that ships', () => {
  const shipped = loadManifest();

  it('is read once', () => {
    expect(loadManifest()).toBe(shipped);
  });

  it.each(CLASSES)('has one default for %s, which finds it', (cls) => {
    const defaults = shipped.models.filter((m) => m.defaultFor.includes(cls));
    expect(defaults).toHaveLength(1);
    expect(defaultModel(shipped, cls)).toBe(defaults[0]);
    expect(defaults[0]?.classes).toContain(cls);
  });

  it('names models that are derived from others, and says so of stand-ins', () => {
    for (const { id, source, interim, note } of shipped.models) {
      if (source.kind === 'derived') for (const from of source.from) expect(findModel(shipped, from).id).toBe(from);
      if (interim) expect(note, id).toMatch(/\w+ .*\./);
    }
  });

  it('normalises and pads as the family does', () => {
    for (const { id, family, input, classes } of shipped.models) {
      if (family === 'plate-shape' || !input) continue;
      const { layout, channels, mean, std, pad, align } = FAMILY_TRAITS[family].input;
      expect({ id, ...input }).toMatchObject({ id, layout, channels, mean, std, pad, align });
      expect(FAMILY_TRAITS[family].classes).toEqual(expect.arrayContaining([...classes]));
    }
    expect(Object.keys(FAMILY_TRAITS).sort()).toEqual([...FAMILIES].sort());
  });

  it('checks itself on a photograph for every default that stands on its own', () => {
    const expected = CLASSES.filter((c) => defaultModel(shipped, c).source.kind !== 'derived');
    expect(Object.keys(shipped.selfCheck.expect).sort()).toEqual([...expected].sort());
  });
});

describe('looking models up', () => {
  it('lists the known ids', () => {
    expect(() => findModel(parseManifest(manifest({}, { ...model, id: 'b' })), 'c')).toThrow(
      new ModelError('Expected a model id (some-face, b) but received c'),
    );
  });

  it('says which class has no default', () => {
    expect(() => defaultModel(parseManifest(manifest()), 'face')).toThrow(
      new ModelError('models/manifest.json: expected a default model for face but found none'),
    );
  });
});
