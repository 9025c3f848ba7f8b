import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fillConfig } from '../../src/config.ts';
import type { DetectPipeline } from '../../src/detect/pipeline.ts';
import { ModelError, SampleError } from '../../src/errors.ts';
import { defaultModel, loadManifest } from '../../src/models/manifest.ts';
import type { Options } from '../../src/options.ts';
import { prepareJob } from '../../src/prepare.ts';
import type { Job } from '../../src/worker/job.ts';
import { Networks } from '../../src/worker/networks.ts';
import { processSample, rejection } from '../../src/worker/process.ts';
import { selfCheck } from '../../src/worker/self-check.ts';
import { photograph } from '../e2e/command.ts';

const FACES = defaultModel(loadManifest(), 'face', 'balanced').id;
const jobOf = (options: Partial<Options>): Promise<Job> =>
  prepareJob(fillConfig({ inputs: ['-'], out: 'unused', classes: ['face'], ...options }));

let job: Job;
let networks: Networks;
let photo: Buffer;

beforeAll(async () => {
  job = await jobOf({});
  networks = await Networks.open(job);
  photo = await photograph(1, 320);
});
afterAll(() => networks.close());

describe('processSample', () => {
  it('publishes what the record says', async () => {
    const outcome = await processSample(photo, job, networks);
    expect(outcome).toMatchObject({
      status: 'verified',
      format: 'jpeg',
      record: { width: 320, policy: job.policyHash, models: job.models, stripped: [] },
    });
    if (outcome.status !== 'verified') return;
    const { counts, regions } = outcome.record;
    expect(counts.face).toBeGreaterThan(0);
    expect(regions).toHaveLength(counts.face);
    expect(outcome.detections.length).toBeGreaterThanOrEqual(regions.length);
    expect(Object.keys(outcome.timings)).toEqual(
      expect.arrayContaining(['decode', 'detect', 'redact', 'encode', 'verify', FACES]),
    );
    // Tight boxes and scores are for the private folder alone.
    expect(JSON.stringify(outcome.record)).not.toContain('score');
  });

  it.each([
    ['nothing', new Uint8Array(), 'empty'],
    ['noise', Buffer.from('neither picture nor anything else'), 'unsupported:unknown'],
  ])('quarantines %s', async (_, bytes, reason) => {
    expect(await processSample(bytes, job, networks)).toEqual({
      status: 'quarantined',
      stage: 'decode',
      reason,
      message: expect.stringMatching(/^Expected /),
    });
  });

  it('gives an image up whose time is over, before it has been looked at', async () => {
    expect(await processSample(photo, { ...job, timeLimit: -1 }, networks)).toMatchObject({
      status: 'failed_to_anonymize',
      reason: 'time-limit',
    });
  });

  it('takes a fault of its own for a failure, and a model that breaks for the end', async () => {
    const broken = { ...job, policy: undefined } as unknown as Job;
    expect(await processSample(photo, broken, networks)).toMatchObject({
      status: 'failed_to_anonymize',
      stage: 'redact',
      reason: 'internal-error',
    });
    const detect = { detect: () => Promise.reject(new ModelError('NaN')) } as unknown as DetectPipeline;
    const fails = { ...networks, detect };
    await expect(processSample(photo, job, fails)).rejects.toThrow(ModelError);
  });
});

it.each([
  [new SampleError('verify', 'picture', 'Expected a'), { status: 'quarantined', stage: 'verify', reason: 'picture' }],
  [new SampleError('detect', 'time-limit', 'Expected b'), { status: 'failed_to_anonymize', reason: 'time-limit' }],
  [new RangeError('too deep'), { status: 'failed_to_anonymize', stage: 'encode', reason: 'internal-error' }],
  ['a string', { status: 'failed_to_anonymize', stage: 'encode', message: 'a string' }],
])('%s is told apart', (error, expected) => {
  expect(rejection(error, 'encode')).toMatchObject(expected);
});

describe('selfCheck', () => {
  it('is passed by the models that ship', async () => {
    await expect(selfCheck(job, networks.detect)).resolves.toBeUndefined();
  });

  it('names class, model, expectation and threshold when too little is found', async () => {
    const demanding: Job = { ...job, selfCheck: { ...job.selfCheck, expect: { face: 99 } } };
    await expect(selfCheck(demanding, networks.detect)).rejects.toThrow(
      /face detector \(face:[\w.-]+@sha256:\w+\): expected at least 99 .* but found \d+ at threshold 0\.\d/,
    );
  });
});
