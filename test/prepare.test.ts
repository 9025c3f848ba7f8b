import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fillConfig, type Options } from '../src/config.ts';
import { CLASSES } from '../src/core/types.ts';
import { LEAST_EVIDENCE } from '../src/detect/second-look.ts';
import { defaultModel, levelOf, loadManifest, QUALITIES } from '../src/models/manifest.ts';
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
      const { threshold, growth } = levelOf(manifest, defaultModel(manifest, cls), quality);
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
    expect(job.detect.thresholds.body).toBe(levelOf(manifest, defaultModel(manifest, 'body'), 'max').threshold);
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
      if (defaultModel(manifest, cls).source.kind === 'derived') continue;
      const [network, ...others] = job.detect.networks.filter((n) => n.keep[cls] !== undefined);
      expect(others).toEqual([]);
      expect(network?.keep[cls]).toBeGreaterThan(0);
      expect(network?.keep[cls]).toBeLessThanOrEqual(job.detect.thresholds[cls] * KEPT_SHARE);
    }
  });

  it('opens each network once, whatever it is used for', async () => {
    const { networks } = (await jobOf({})).detect;
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
});
