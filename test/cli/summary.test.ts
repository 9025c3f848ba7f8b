import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeSummary } from '../../src/cli/summary.ts';
import { fillConfig } from '../../src/config.ts';
import type { Options } from '../../src/options.ts';
import type { RunSummary } from '../../src/run.ts';

const config = (options: Partial<Options> = {}) => fillConfig({ inputs: ['photos'], out: 'clean', ...options });

const summary: RunSummary = {
  status: 'finished',
  done: 1204,
  kept: 0,
  total: 1204,
  published: 1201,
  rejected: 3,
  regions: { face: 1834, body: 920, plate: 12, text: 4021 },
  images: { face: 800, body: 610, plate: 9, text: 700 },
  standIns: { face: 0, body: 0, plate: 0, text: 0 },
  reasons: { 'decode/truncated': 2, 'read/unreadable': 1 },
  dropped: {},
  notices: [],
  models: ['face:ssd@sha256:00', 'body:cn@sha256:01', 'plate:plate-shape@interim', 'text:ocr@sha256:02'],
  device: ['cpu'],
  workers: 2,
  seconds: 300.4,
  imagesPerSecond: 3.998,
  msPerImage: {},
  peakInFlight: 4,
  out: path.resolve('clean'),
  privateDir: path.resolve('clean.private'),
};

describe('describeSummary', () => {
  it('says what was found, what was not published and why, and where things are', () => {
    expect(describeSummary(summary, config())).toBe(`\
1,201 of 1,204 images anonymized and published in 5 min 0 s (4.0 images/s, 2 workers, cpu)

  class            regions  images  mode
  face               1,834     800  blur
  body                 920     610  blur
  plate (interim)       12       9  blur
  text               4,021     700  blur

3 not published:
  2  truncated   decode
  1  unreadable  read

  shards   clean
  log      clean/_anonymize/redactions
  private  clean.private (names, scores, reasons: not for publication)

Only what the models detect is redacted. Look at a sample of the output before you rely on it.
`);
  });

  it('says how many regions were blurred instead of replaced', () => {
    const standIns = { ...summary.standIns, face: 1234 };
    const text = describeSummary({ ...summary, standIns }, config({ redact: { face: 'synthetic' } }));
    expect(text).toContain('\n  face               1,834     800  synthetic, 1,234 blurred instead\n');
  });

  it('lists only the classes that were looked for, and shouts about those left as they are', () => {
    const text = describeSummary(
      summary,
      config({ classes: ['face', 'text'], redact: { text: 'none', face: 'solid' } }),
    );
    expect(text).toContain('\n  face     1,834     800  solid\n  text     4,021     700  NOT redacted (mode none)\n\n');
    expect(text).not.toContain('body');
    expect(text).not.toContain('plate');
  });

  it('leaves out what did not happen', () => {
    const text = describeSummary(
      { ...summary, total: 1, published: 1, rejected: 0, reasons: {}, workers: 1 },
      config({ format: 'folder' }),
    );
    expect(text).toMatch(/^1 of 1 image anonymized and published in .* 1 worker, cpu\)\n/);
    expect(text).not.toContain('not published');
    expect(text).not.toContain('Not taken');
    expect(text).toContain('\n  images   clean\n');
  });

  it('names what the input held besides images', () => {
    const text = describeSummary({ ...summary, dropped: { '.txt': 12, 'a\u001b[2J': 1 } }, config());
    expect(text).toContain('\nNot taken from the input: 12 .txt, 1 a\uFFFD[2J\n');
  });

  it('tells an interrupted run from a finished one', () => {
    const text = describeSummary({ ...summary, status: 'interrupted', done: 1100, published: 1098 }, config());
    expect(text.split('\n')[0]).toBe(
      'Interrupted after 1,100 of 1,204 images in 5 min 0 s (4.0 images/s, 2 workers, cpu). Complete shards are kept, the unfinished one was removed. The same command goes on.',
    );
  });

  it('says when there was nothing to do', () => {
    const empty: RunSummary = { ...summary, status: 'empty', total: 0, done: 0, published: 0, dropped: { '.txt': 2 } };
    expect(describeSummary(empty, config({ inputs: ['photos', 'bad\nname'] }))).toBe(
      'No images in photos, bad\uFFFDname: nothing was written.\nNot taken from the input: 2 .txt\n',
    );
  });
});
