import { describe, expect, it } from 'vitest';
import { fillConfig, type Options } from '../src/config.ts';
import { prepareJob } from '../src/prepare.ts';

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
    const job = await prepareJob(fillConfig({ inputs: ['photos'], out: 'clean', ...options }));
    expect(job.detect.mergePlatesAndText).toBe(expected);
  });
});
