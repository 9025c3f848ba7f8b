import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../../src/io/atomic.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'anonymize-memory-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs code on the built files in a thread whose heap may not be larger; rejects when it has to be. */
function within(heapMiB: number, code: string): Promise<unknown> {
  const dist = new URL('../../dist/', import.meta.url).href;
  const source = `
    const { parentPort } = require('node:worker_threads');
    const built = (name) => import(${JSON.stringify(dist)} + name);
    (async () => { ${code} })().then((answer) => parentPort.postMessage(answer), (error) => { throw error; });`;
  const resourceLimits = { maxOldGenerationSizeMb: heapMiB, maxYoungGenerationSizeMb: 8 };
  return new Promise((resolve, reject) => {
    const worker = new Worker(source, { eval: true, resourceLimits });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

describe('a long clip', () => {
  it('has a log that is written while its lines come: a small heap takes one of any length', async () => {
    await mkdir(join(folder, '_anonymize', 'redactions'), { recursive: true });
    const written = (await within(
      20,
      `const { writeClipLog } = await built('clips/log.js');
      const region = { class: 'face', box: [64, 32, 80, 96], shape: 'ellipse', mode: 'blur', cells: 6, sigma: 7.4, origin: 'detector' };
      async function* frames() {
        for (let frame = 0; frame < 60000; frame++) yield { frame, regions: [0, 1, 2, 3, 4].map((track) => ({ track, ...region })) };
      }
      return writeClipLog(${JSON.stringify(folder)}, { v: 1, key: '000000000' }, frames());`,
    )) as { readonly path: string; readonly sha256: string };
    const log = await readFile(join(folder, written.path), 'utf8');
    expect(log.length).toBeGreaterThan(32 << 20);
    expect(log.split('\n')).toHaveLength(60_002);
    expect(sha256(log)).toBe(written.sha256);
  });

  it('is followed in a small heap, and poses of its faces are held outside of it', async () => {
    const counts = await within(
      20,
      `const { findCovers } = await built('clips/first-pass.js');
      const { ClipProgress } = await built('clips/progress.js');
      const length = 6000;
      const labels = ['face', 'face', 'face', 'body', 'plate'];
      const boxIn = (frame, k) => {
        const [x, y] = [60.5 + 230 * k + 40 * Math.sin(frame / 50), 100.5 + ((Math.floor(frame / 300) * 97) % 400)];
        return { x1: x, y1: y, x2: x + 60, y2: y + 70 };
      };
      const detected = async (segment) => Array.from({ length: 120 }, (_, i) => {
        const frame = segment * 120 + i;
        return { frame, differences: [2.1, 2.2, 2.3, 2.4, 2.5], detections: labels.map((label, k) => ({ label, box: boxIn(frame, k), score: 0.9, model: 'm' })) };
      });
      const guide = () => ({ kind: 'followed-face', expression: [10.5, 48.5, 0.5, 7.5, 7.5, 16.5], complexion: 5, grain: { noise: 1.5, blur: 1.5 },
        pose: { turn: 0.1, nod: 0.2, tilt: 0.3, scale: 0.5, shift: { x: 100.5, y: 80.5 } } });
      const covers = await findCovers({
        clip: { width: 1280, height: 720, pts: Array.from({ length }, (_, i) => 512 * i), keyframes: [0] },
        corrections: [], posedClasses: ['face'], progress: new ClipProgress(3),
        settings: { detectEvery: 1, thresholds: { face: 0.3, body: 0.3, plate: 0.3, text: 0.3 } },
        workspace: { detected },
        pool: { capacity: 2, segment: async ({ segment }) => ({ status: 'posed',
          frames: segment.covers.map((all) => all.map(({ detection: { track } }) => ({ track, guide: guide() }))) }) },
      });
      return { ...covers.counts, turn: covers.between(4000, 4001)[0].find(({ detection }) => detection.label === 'face').look.pose.turn };`,
    );
    expect(counts).toEqual({ face: 60, body: 20, plate: 20, text: 0, turn: expect.closeTo(0.1, 9) });
  });
});
