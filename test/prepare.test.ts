import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fillConfig } from '../src/config.ts';
import { CLASSES, type ClassName } from '../src/core/types.ts';
import { LEAST_EVIDENCE } from '../src/detect/second-look.ts';
import {
  defaultModel,
  findModel,
  levelOf,
  loadManifest,
  MANIFEST_URL,
  type Manifest,
  type OperatingPoint,
  operatingPoint,
  QUALITIES,
  type Quality,
} from '../src/models/manifest.ts';
import type { Options } from '../src/options.ts';
import { KEPT_SHARE, prepareJob } from '../src/prepare.ts';
import type { Job } from '../src/worker/job.ts';
import { constantModel, save } from './models/tiny-onnx.ts';

const manifest = loadManifest();
const jobOf = (options: Partial<Options>): Promise<Job> =>
  prepareJob(fillConfig({ inputs: ['photos'], out: 'clean', ...options }));

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'prepare-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describe('prepareJob', () => {
  // A plate that stood for its text while plates are left alone, or text that stood for a plate while
  // text is, would leave both readable.
  it.each<[Partial<Options>, boolean]>([
    [{}, true],
    [{ redact: 'solid' }, true],
    [{ redact: { plate: 'none' } }, false],
    [{ redact: { text: 'none' } }, false],
    [{ redact: { plate: 'solid' } }, false],
    [{ classes: ['plate'] }, false],
    [{ classes: ['text'] }, false],
  ])('%j: plates and text stand for each other: %s', async (options, expected) => {
    const job = await jobOf(options);
    expect(job.detect.mergePlatesAndText).toBe(expected);
  });

  it.each(QUALITIES)('takes thresholds, growth and looks of quality %s', async (quality) => {
    const job = await jobOf({ quality });
    for (const cls of CLASSES) {
      const { threshold, growth } = operatingPoint(
        levelOf(manifest, defaultModel(manifest, cls, quality), quality),
        cls,
      );
      expect(job.detect.thresholds[cls], cls).toBe(threshold);
      expect(job.policy.grow[cls], cls).toBe(growth);
    }
    for (const { model } of job.detect.networks) {
      const spec = manifest.models.find((m) => m.id === model.id);
      expect(model.level, model.id).toEqual(levelOf(manifest, spec as NonNullable<typeof spec>, quality));
    }
  });

  it('looks closely by default', async () => {
    expect(await jobOf({})).toEqual(await jobOf({ quality: 'balanced' }));
  });

  it('lets a caller’s own threshold and growth come before those of the quality', async () => {
    const job = await jobOf({ quality: 'max', threshold: { face: 0.6 }, grow: { text: 1.5 } });
    expect(job.detect.thresholds.face).toBe(0.6);
    expect(job.policy.grow.text).toBe(1.5);
    expect(job.detect.thresholds.body).toBe(
      operatingPoint(levelOf(manifest, defaultModel(manifest, 'body', 'max'), 'max'), 'body').threshold,
    );
  });

  it('tells the qualities apart in the hash of the policy', async () => {
    const same = Object.fromEntries(CLASSES.map((cls) => [cls, 0.5]));
    const hashes = await Promise.all(
      QUALITIES.map(async (quality) => (await jobOf({ quality, threshold: same, grow: same })).policyHash),
    );
    expect(new Set(hashes).size).toBe(3);
  });

  it.each<[Partial<Options>]>([
    [{}],
    [{ threshold: { face: 0.6, text: 0.5 } }],
    [{ classes: ['face', 'body'], quality: 'max' }],
  ])('%j: has networks report from a share of the least redacted score on', async (options) => {
    const job = await jobOf(options);
    for (const cls of job.detect.classes) {
      if (defaultModel(manifest, cls, options.quality ?? 'balanced').source.kind === 'derived') continue;
      const [network, ...others] = job.detect.networks.filter((n) => n.keep[cls] !== undefined);
      expect(others).toEqual([]);
      expect(network?.keep[cls]).toBeGreaterThan(0);
      expect(network?.keep[cls]).toBeLessThanOrEqual(job.detect.thresholds[cls] * KEPT_SHARE);
    }
  });

  it('opens each network once, whatever it is used for', async () => {
    // The stand-in for plates looks for vehicles with the network that finds bodies.
    const model = { body: manifest.evidence.vehicle, plate: 'plate-shape' };
    const { networks } = (await jobOf({ model })).detect;
    const hashes = networks.map((n) => n.model.sha256);
    expect(new Set(hashes).size).toBe(hashes.length);
    const vehicles = networks.filter((n) => n.keep.vehicle !== undefined);
    expect(vehicles.map((n) => n.model.id)).toEqual([manifest.evidence.vehicle]);
    expect(vehicles[0]?.keep.body).toBeDefined();
  });

  it.each([
    ['balanced', ['plate'], [{ label: 'plate', evidence: 'vehicle' }]],
    ['max', ['face', 'plate'], [{ label: 'plate', evidence: 'vehicle' }]],
    ['fast', ['plate'], []],
  ] as const)('%s, %j: searches %j with a detector of plates', async (quality, classes, searches) => {
    const plates = constantModel({ output: { shape: [1, 1, 15], data: new Float32Array(15) } }, [1, 3, 64, 64]);
    const model = { plate: await save(dir, 'plates.onnx', plates) };
    const { detect } = await jobOf({ quality, classes: [...classes], model });
    expect(detect.searches).toEqual(searches);
    expect(detect.plateShape).toBeUndefined();
    const objects = detect.networks.find((n) => n.model.id === manifest.evidence.vehicle);
    // Evidence costs a network that is opened only where it is used.
    expect(objects !== undefined).toBe(searches.length > 0);
    expect(objects?.keep.vehicle ?? 0).toBeLessThanOrEqual(LEAST_EVIDENCE);
    expect(objects?.keep.body).toBeUndefined();
  });

  describe('with one model for several classes', () => {
    const SHARED = 'face-body-plate';
    const all = ['face', 'body', 'plate'] as const;
    const { sha256 } = findModel(manifest, SHARED).source as { sha256: string };
    const points = (quality: Quality) => levelOf(manifest, findModel(manifest, SHARED), quality).classes;

    /** As if it were the default for these classes, and models of one class each for the others. */
    function withDefaults(classes: readonly ClassName[]): Manifest {
      const others = {
        face: 'ssd-mobilenetv1-face',
        body: 'centernet-mobilenetv3',
        plate: 'plate-shape',
        text: 'ppocrv4-det',
      };
      const idFor = (cls: ClassName): string => (classes.includes(cls) ? SHARED : others[cls]);
      const models = manifest.models.map((m) => ({
        ...m,
        defaultFor: CLASSES.filter((cls) => idFor(cls) === m.id),
        defaultAt: {},
      }));
      return { ...manifest, models };
    }
    const prepared = (patch: Partial<Options>, from: Manifest): Promise<Job> =>
      prepareJob(fillConfig({ inputs: ['photos'], out: 'clean', ...patch }), from);
    const kept = (job: Job): Record<string, unknown> =>
      Object.fromEntries(job.detect.networks.map((n) => [n.model.id, Object.keys(n.keep).sort()]));

    it.each(QUALITIES)('opens it once, and takes threshold and growth of each class (%s)', async (quality) => {
      const job = await prepared({ quality }, withDefaults(all));
      expect(kept(job)).toEqual({ [SHARED]: ['body', 'face', 'plate'], 'ppocrv4-det': ['text'] });
      expect(job.detect.plateShape).toBeUndefined();
      expect(job.detect.searches).toEqual([]);
      const [network] = job.detect.networks;
      for (const cls of all) {
        const { threshold, growth } = points(quality)[cls] as OperatingPoint;
        expect(job.detect.thresholds[cls]).toBe(threshold);
        expect(job.policy.grow[cls]).toBe(growth);
        expect(network?.keep[cls]).toBe(threshold * KEPT_SHARE);
      }
      expect(job.models.slice(0, 3)).toEqual(all.map((cls) => `${cls}:${SHARED}@sha256:${sha256}`));
    });

    it('lets a caller’s threshold change one class only', async () => {
      const job = await prepared({ threshold: { body: 0.8 }, grow: { plate: 0.3 } }, withDefaults(all));
      const { face, plate } = points('balanced');
      expect(job.detect.thresholds).toMatchObject({ face: face?.threshold, body: 0.8, plate: plate?.threshold });
      expect(job.policy.grow).toMatchObject({ face: face?.growth, plate: 0.3 });
      expect(job.detect.networks[0]?.keep).toMatchObject({
        face: (face?.threshold ?? 0) * KEPT_SHARE,
        body: 0.8 * KEPT_SHARE,
      });
    });

    it.each<[string, readonly ClassName[], Partial<Options>, Record<string, string[]>]>([
      ['one class is wanted', all, { classes: ['plate'] }, { [SHARED]: ['plate'] }],
      [
        'another model is named for one class',
        all,
        { classes: ['face', 'body', 'plate'], model: { face: 'ssd-mobilenetv1-face' } },
        { [SHARED]: ['body', 'plate'], 'ssd-mobilenetv1-face': ['face'] },
      ],
      [
        'it is the default for one class only',
        ['plate'],
        { classes: ['face', 'body', 'plate'] },
        { [SHARED]: ['plate'], 'ssd-mobilenetv1-face': ['face'], 'centernet-mobilenetv3': ['body'] },
      ],
      [
        'it is no default but named for two classes',
        [],
        { classes: ['face', 'body'], model: { face: SHARED, body: SHARED } },
        { [SHARED]: ['body', 'face'] },
      ],
    ])('reads what it is used for, where %s', async (_, defaults, options, expected) => {
      expect(kept(await prepared(options, withDefaults(defaults)))).toEqual(expected);
    });

    it('keeps a stand-in that is named, though it is no default any more', async () => {
      const job = await prepared({ model: { plate: 'plate-shape' } }, withDefaults(all));
      expect(job.models).toContain('plate:plate-shape@interim');
      expect(kept(job)[SHARED]).toEqual(['body', 'face']);
    });

    it('knows a copy of the file, and opens that once, too', async () => {
      const copy = path.join(dir, 'copy.onnx');
      await copyFile(new URL('face-body-plate.onnx', MANIFEST_URL), copy);
      const job = await prepared({ classes: ['face', 'body'], model: { face: copy } }, withDefaults(all));
      expect(kept(job)).toEqual({ [SHARED]: ['body', 'face'] });
      expect(job.models).toEqual([`face:${SHARED}@sha256:${sha256}`, `body:${SHARED}@sha256:${sha256}`]);
    });

    it('runs a caller’s own file once for all classes that it is named for', async () => {
      const onnx = constantModel({ predictions: { shape: [1, 84, 15], data: new Float32Array(1260) } }, [1, 3, 64, 64]);
      const own = await save(dir, 'own.onnx', onnx);
      const job = await prepared({ classes: ['face', 'plate'], model: { face: own, plate: own } }, manifest);
      expect(kept(job)).toEqual({ custom: ['face', 'plate'] });
      expect(job.detect.thresholds.plate).toBe(manifest.families['per-class-box'].balanced.classes.plate?.threshold);
    });
  });
});
