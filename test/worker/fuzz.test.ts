import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MODES } from '../../src/core/types.ts';
import { UsageError } from '../../src/errors.ts';
import { scanContainer } from '../../src/image/container.ts';
import { openSource } from '../../src/io/source.ts';
import { processSample } from '../../src/worker/process.ts';
import { type FuzzInput, type FuzzSeed, fuzzImage, fuzzSeeds, fuzzTar, MARK } from '../fixtures/fuzz-inputs.ts';
import { photo } from '../fixtures/images.ts';
import { jobWithoutNetworks, networksThatSee } from '../fixtures/without-networks.ts';

// The same inputs by the ten thousand, with networks and threads: benchmarks/fuzz.mjs.
const IMAGES = 250;
const ARCHIVES = 50;
const JOBS = MODES.filter((mode) => mode !== 'none').map((mode) => jobWithoutNetworks(mode));

let seeds: FuzzSeed[];
let folder: string;

beforeAll(async () => {
  seeds = await fuzzSeeds([photo(64, 48), photo(45, 80, 2)]);
  folder = await mkdtemp(path.join(tmpdir(), 'anonymize-fuzz-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** `published`, or the reason why not; a violation fails the test. */
async function outcomeOf(bytes: Uint8Array, n: number, kind: string): Promise<string> {
  const what = `input ${n}: ${kind}`;
  const outcome = await processSample(bytes, JOBS[n % JOBS.length] as (typeof JOBS)[number], networksThatSee, n);
  expect(outcome.status, `${what}: ${'message' in outcome ? outcome.message : ''}`).not.toBe('failed_to_anonymize');
  if (outcome.status !== 'verified') {
    expect(outcome.reason, what).toMatch(/^[a-z0-9_:-]{1,64}$/);
    expect(`${outcome.reason} ${outcome.message}`, what).not.toContain(MARK);
    return outcome.reason;
  }
  expect(scanContainer(outcome.bytes), what).toMatchObject({ disallowed: [], kinds: [], trailingBytes: 0, frames: 1 });
  expect(Buffer.from(outcome.bytes).includes(MARK), what).toBe(false);
  expect(JSON.stringify(outcome.record), what).not.toContain(MARK);
  return 'published';
}

it('every damaged image is published clean or rejected with a reason', async () => {
  const outcomes = new Map<string, number>();
  for (let n = 0; n < IMAGES; n++) {
    const { kind, bytes } = fuzzImage(seeds, n);
    const outcome = await outcomeOf(bytes, n, kind);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  // Damage that always or never shows would test little.
  for (const outcome of ['published', 'corrupt', 'truncated'])
    expect(outcomes.get(outcome)).toBeGreaterThan(IMAGES / 20);
});

async function archiveOutcomes({ kind, bytes }: FuzzInput, n: number): Promise<string[]> {
  const file = path.join(folder, `${n}.tar`);
  await writeFile(file, bytes);
  const outcomes: string[] = [];
  try {
    const source = await openSource({
      inputs: [file],
      out: path.join(folder, 'o'),
      privateDir: path.join(folder, 'p'),
    });
    for await (const { ref } of source.samples()) {
      if (ref.kind === 'bytes') outcomes.push(await outcomeOf(ref.bytes, n, kind));
    }
    return outcomes;
  } catch (error) {
    // A refusal is printed: it must name nothing of what the archive holds.
    if (!(error instanceof UsageError)) throw error;
    expect(error.message.replace(file, ''), kind).not.toContain(MARK);
    return ['refused'];
  }
}

it('every damaged archive is read, or refused before its first image', async () => {
  const outcomes: string[] = [];
  for (let n = 0; n < ARCHIVES; n++) {
    const found = await archiveOutcomes(await fuzzTar(seeds, n), n);
    expect(found.length === 1 || !found.includes('refused')).toBe(true);
    outcomes.push(...found);
  }
  expect(outcomes).toEqual(expect.arrayContaining(['published', 'refused']));
});
