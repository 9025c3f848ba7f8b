import { describe, expect, it } from 'vitest';
import { CLASSES } from '../../src/core/types.ts';
import { ModelError } from '../../src/errors.ts';
import { FAMILY_TRAITS } from '../../src/models/families.ts';
import {
  defaultModel,
  FAMILIES,
  findModel,
  levelOf,
  loadManifest,
  operatingPoint,
  parseManifest,
  QUALITIES,
} from '../../src/models/manifest.ts';

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
};

const point = { threshold: 0.5, growth: 0.2 };
const level = { classes: { face: point, body: point } };
const lower = { classes: { face: { ...point, threshold: 0.4 } } };
const levels = { fast: level, balanced: level, max: lower };
const filled = { enlarge: 2, mirror: false };
const filledLevels = {
  fast: { ...level, ...filled },
  balanced: { ...level, ...filled },
  max: { ...lower, ...filled },
};
const perFamily = (value: unknown): object => Object.fromEntries(FAMILIES.map((family) => [family, value]));

function manifest(patch: object = {}, ...others: object[]): unknown {
  return {
    version: 1,
    selfCheck: { package: 'p', path: 'photo.jpg', sha256: HASH, expect: { face: 1 } },
    evidence: { vehicle: 'some-object' },
    families: perFamily(levels),
    models: [{ ...model, ...patch }, ...others],
  };
}

describe('parseManifest', () => {
  it('fills in what may be left out', () => {
    expect(parseManifest(manifest()).models).toEqual([
      { ...model, defaultFor: [], defaultAt: {}, interim: false, input: { ...input, multiple: 32 } },
    ]);
    expect(parseManifest(manifest()).families).toEqual(perFamily(filledLevels));
    const tiles = { doublings: 2, enlarge: 1.5 };
    const [own] = parseManifest(manifest({ levels: { ...levels, max: { ...level, tiles } } })).models;
    expect(own?.levels?.max).toEqual({ ...level, ...filled, tiles: { ...tiles, where: 'everywhere' } });
  });

  const max = (patch: object) => manifest({ levels: { ...levels, max: { ...level, ...patch } } });
  const face = (patch: object) => max({ classes: { face: { ...point, ...patch } } });
  const tiles = { doublings: 1, enlarge: 1 };
  it('keeps all that a level may say', () => {
    const said = {
      longSide: 896,
      enlarge: 1.25,
      mirror: true,
      shrink: 0.5,
      tiles: { ...tiles, where: 'suspected' },
      searchIn: 'vehicle',
      classes: {
        face: { threshold: 0.1, growth: 0.3, measured: { cover90: 0.9, background: 0.02, objects: 100 } },
        plate: point,
      },
    };
    expect(parseManifest(max(said)).models[0]?.levels?.max).toEqual(said);
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
    [
      'a short hash of the simplified file',
      manifest({ source: { kind: 'npm', package: 'p', path: 'm.onnx', sha256: HASH, simplified: 'abc' } }),
      'models.0.source.simplified',
    ],
    ['an upper-case hash', manifest({ source: { ...model.source, sha256: 'A'.repeat(64) } }), 'models.0.source.sha256'],
    ...['../face.onnx', 'a/face.onnx', 'a\\face.onnx', '/face.onnx', '.onnx', 'face.bin', ''].map(
      (path): [string, unknown, string] => [
        `a file of the project at ${JSON.stringify(path)}`,
        manifest({ source: { kind: 'project', path, sha256: HASH } }),
        'models.0.source.path',
      ],
    ),
    ['no URL', manifest({ source: { ...model.source, url: 'face.onnx' } }), 'models.0.source.url'],
    ['a threshold outside the levels', manifest({ threshold: 0.5 }), 'models.0.threshold'],
    ['a threshold outside the classes', max({ threshold: 0.5 }), 'models.0.levels.max.threshold'],
    ['a level without classes', max({ classes: undefined }), 'models.0.levels.max.classes'],
    ['a level for noses', max({ classes: { nose: point } }), 'models.0.levels.max.classes.nose'],
    ['an unknown key of a class', face({ grow: 0.1 }), 'models.0.levels.max.classes.face.grow'],
    ['a level too few', manifest({ levels: { fast: level, balanced: level } }), 'models.0.levels.max'],
    ['a level too many', manifest({ levels: { ...levels, ultra: level } }), 'models.0.levels.ultra'],
    ['an unknown key of a level', max({ longside: 640 }), 'models.0.levels.max.longside'],
    ['no threshold', face({ threshold: undefined }), 'models.0.levels.max.classes.face.threshold'],
    ['a threshold above 1', face({ threshold: 1.5 }), 'models.0.levels.max.classes.face.threshold'],
    ['no growth', face({ growth: undefined }), 'models.0.levels.max.classes.face.growth'],
    ['a negative growth', face({ growth: -0.1 }), 'models.0.levels.max.classes.face.growth'],
    ['a long side of nothing', max({ longSide: 0 }), 'models.0.levels.max.longSide'],
    ['an enlargement of nothing', max({ enlarge: 0 }), 'models.0.levels.max.enlarge'],
    ['a shrunk look above the size', max({ shrink: 1.1 }), 'models.0.levels.max.shrink'],
    ['a mirror of two kinds', max({ mirror: 'both' }), 'models.0.levels.max.mirror'],
    ['no doubling', max({ tiles: { ...tiles, doublings: 0 } }), 'models.0.levels.max.tiles.doublings'],
    ['half a doubling', max({ tiles: { ...tiles, doublings: 1.5 } }), 'models.0.levels.max.tiles.doublings'],
    ['tiles without a limit', max({ tiles: { doublings: 1 } }), 'models.0.levels.max.tiles.enlarge'],
    ['tiles somewhere', max({ tiles: { ...tiles, where: 'here' } }), 'models.0.levels.max.tiles.where'],
    ['a search in faces', max({ searchIn: 'face' }), 'models.0.levels.max.searchIn'],
    [
      'half a measurement',
      face({ measured: { cover90: 0.9, background: 0.1 } }),
      'models.0.levels.max.classes.face.measured.objects',
    ],
    ['no evidence', { ...(manifest() as object), evidence: {} }, 'evidence.vehicle'],
    ['evidence of faces', { ...(manifest() as object), evidence: { vehicle: 'a', face: 'b' } }, 'evidence.face'],
    ['a family too few', { ...(manifest() as object), families: { ssd: levels } }, 'families.centernet'],
    [
      'a family too many',
      { ...(manifest() as object), families: { ...perFamily(levels), 'plate-shape': levels } },
      'families.plate-shape',
    ],
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
    [
      'a stand-in without levels',
      manifest({ family: 'plate-shape', source: { kind: 'derived', from: ['a'] } }),
      'some-face: expected levels but received none',
    ],
    [
      'a level without one of the classes',
      manifest({ classes: ['face', 'body'] }),
      'some-face: expected a threshold and growth for body at max but received none',
    ],
    [
      'a default for what it does not find',
      manifest({ defaultFor: ['face', 'body'] }),
      'some-face: expected defaults for what it finds (face) but received body',
    ],
    [
      'a default at one quality for what it does not find',
      manifest({ defaultAt: { fast: ['plate'] } }),
      'some-face: expected defaults for what it finds (face) but received plate',
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

  it.each(CLASSES)('has one default for %s, and at most one that takes its place at a quality', (cls) => {
    const defaults = shipped.models.filter((m) => m.defaultFor.includes(cls));
    expect(defaults).toHaveLength(1);
    for (const quality of QUALITIES) {
      const others = shipped.models.filter((m) => m.defaultAt[quality]?.includes(cls));
      expect(others.length).toBeLessThanOrEqual(1);
      expect(defaultModel(shipped, cls, quality)).toBe(others[0] ?? defaults[0]);
    }
  });

  it('names models that are derived from others, and says so of stand-ins', () => {
    for (const { id, source, interim, note } of shipped.models) {
      if (source.kind === 'derived') for (const from of source.from) expect(findModel(shipped, from).id).toBe(from);
      if (interim) expect(note, id).toMatch(/\w+ .*\./);
    }
  });

  it('finds evidence with a model that is there and tells vehicles', () => {
    expect(['centernet', 'yolox']).toContain(findModel(shipped, shipped.evidence.vehicle).family);
  });

  it.each(QUALITIES)('has a level for every model (%s), which looks no less closely than a lower one', (quality) => {
    const pixels = (q: typeof quality, id: string): number => {
      const { longSide = 0, tiles } = levelOf(shipped, findModel(shipped, id), q);
      return tiles ? 1e6 * tiles.doublings + longSide : longSide;
    };
    for (const { id } of shipped.models) {
      for (const { threshold, growth } of Object.values(levelOf(shipped, findModel(shipped, id), quality).classes)) {
        expect(threshold).toBeGreaterThan(0);
        expect(growth).toBeLessThanOrEqual(2);
      }
      for (const lower of QUALITIES.slice(0, QUALITIES.indexOf(quality))) {
        expect(pixels(quality, id), id).toBeGreaterThanOrEqual(pixels(lower, id));
      }
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

  it.each(FAMILIES)('knows a threshold and growth for whatever a file of %s may be used for', (family) => {
    for (const quality of QUALITIES) {
      expect(Object.keys(shipped.families[family][quality].classes)).toEqual(FAMILY_TRAITS[family].classes);
    }
  });

  it('checks itself on a photograph for every class but plates, of which no package has a photograph', () => {
    expect(Object.keys(shipped.selfCheck.expect).sort()).toEqual(['body', 'face', 'text']);
  });
});

describe('looking models up', () => {
  it('lists the known ids', () => {
    expect(() => findModel(parseManifest(manifest({}, { ...model, id: 'b' })), 'c')).toThrow(
      new ModelError('Expected a model id (some-face, b) but received c'),
    );
  });

  it('takes a model’s own level before that of its family', () => {
    const parsed = parseManifest(manifest());
    expect(levelOf(parsed, { family: 'yunet' }, 'max')).toBe(parsed.families.yunet.max);
    const own = { ...parsed.families.yunet, max: { ...parsed.families.yunet.max, mirror: true } };
    expect(levelOf(parsed, { family: 'yunet', levels: own }, 'max')).toBe(own.max);
    expect(levelOf(parsed, { family: 'plate-shape', levels: own }, 'fast')).toBe(own.fast);
    expect(() => levelOf(parsed, { family: 'plate-shape' }, 'fast')).toThrow(
      new ModelError('Expected levels for plate-shape but received none'),
    );
  });

  it('knows a threshold and growth by class, or says of which classes it knows them', () => {
    const { fast, max } = parseManifest(manifest()).families.yunet;
    expect(operatingPoint(fast, 'body')).toEqual(point);
    expect(operatingPoint(max, 'face')).toEqual({ ...point, threshold: 0.4 });
    expect(() => operatingPoint(fast, 'plate')).toThrow(
      new ModelError('models/manifest.json: expected a threshold and growth for plate but found those for face, body'),
    );
  });

  it('takes one model for several classes, and another for one of them', () => {
    const shared = {
      ...model,
      id: 'shared',
      classes: ['face', 'body'],
      defaultFor: ['body'],
      levels: { ...levels, max: level },
    };
    const parsed = parseManifest(manifest({ defaultFor: ['face'] }, shared));
    expect(defaultModel(parsed, 'face', 'fast').id).toBe('some-face');
    expect(defaultModel(parsed, 'body', 'fast').id).toBe('shared');
  });

  it('lets another model take its place at one quality', () => {
    const other = { ...model, id: 'other', defaultAt: { fast: ['face'] } };
    const parsed = parseManifest(manifest({ defaultFor: ['face'] }, other));
    expect(QUALITIES.map((quality) => defaultModel(parsed, 'face', quality).id)).toEqual([
      'other',
      'some-face',
      'some-face',
    ]);
  });

  it('says which class has no default', () => {
    expect(() => defaultModel(parseManifest(manifest()), 'face', 'max')).toThrow(
      new ModelError('models/manifest.json: expected a default model for face but found none'),
    );
  });
});
