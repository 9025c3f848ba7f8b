import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { clipCounts, describeProgress, evalCounts, ProgressLine, runCounts } from '../../src/cli/progress.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import type { ClipRunProgress } from '../../src/clips/progress.ts';
import type { RunProgress } from '../../src/run.ts';

function progress(done: number, total: number, patch: Partial<RunProgress> = {}): RunProgress {
  return {
    done,
    kept: 0,
    total,
    published: done,
    rejected: 0,
    regions: { face: 0, body: 0, plate: 0, text: 0 },
    ...patch,
  };
}

describe('describeProgress', () => {
  it.each([
    [progress(0, 40), 0, '0/40  0.0 img/s  ? left  quarantined 0'],
    [progress(10, 40), 5, '10/40  2.0 img/s  15 s left  quarantined 0'],
    [
      progress(12, 40, { rejected: 1, regions: { face: 7, body: 3, plate: 0, text: 12 } }),
      4,
      '12/40  3.0 img/s  9.3 s left  face 7  body 3  text 12  quarantined 1',
    ],
    [progress(1, 1000), 60, '1/1000  0.0 img/s  16 h 39 min left  quarantined 0'],
    [progress(40, 40), 20, '40/40  2.0 img/s  quarantined 0'],
  ])('of a run: %j after %d s', (state, seconds, expected) => {
    expect(describeProgress(state, runCounts(state), seconds)).toBe(expected);
  });

  it.each([
    [{ done: 12, total: 40, failed: 1 }, 4, '12/40  3.0 img/s  9.3 s left  not measured 1'],
    [{ done: 40, total: 40, failed: 0 }, 20, '40/40  2.0 img/s  not measured 0'],
  ])('of an evaluation: %j after %d s', (state, seconds, expected) => {
    expect(describeProgress(state, evalCounts(state), seconds)).toBe(expected);
  });
});

describe('describeProgress of clips', () => {
  const clips = { clips: 2, clipsDone: 0 };
  it.each<[ClipRunProgress, number, string]>([
    [{ ...clips, done: 0, kept: 0, isGuess: true, steps: ['open'] }, 3, '0  0.0 frames/s  clips 0/2  counting frames'],
    [
      { ...clips, done: 100, kept: 60, total: 500, isGuess: true, steps: ['detect', 'open'] },
      10,
      '100/~500  4.0 frames/s  1 min 40 s left  clips 0/2  detecting, counting frames',
    ],
    [
      { ...clips, clipsDone: 1, done: 377, kept: 0, total: 377, isGuess: false, steps: ['verify'] },
      10,
      '377/377  37.7 frames/s  clips 1/2  verifying',
    ],
  ])('%j after %d s', (state, seconds, expected) => {
    expect(describeProgress(state, clipCounts(state), seconds, 'frames/s')).toBe(expected);
  });
});

describe('ProgressLine', () => {
  // Only the clock that decides when to draw is replaced.
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
  afterEach(() => void vi.useRealTimers());

  function recorder(interactive: boolean, columns = 80): { terminal: Terminal; written: string[] } {
    const written: string[] = [];
    const never = (): never => expect.fail('nothing of the progress may go to standard output');
    return { written, terminal: { out: never, err: (text) => void written.push(text), interactive, columns } };
  }

  it('redraws one line on a terminal, at most ten times a second, and the last state always', () => {
    const { terminal, written } = recorder(true);
    const line = new ProgressLine(terminal, runCounts);
    for (let done = 1; done <= 40; done++) {
      vi.advanceTimersByTime(50);
      line.update(progress(done, 40));
    }
    expect(written).toHaveLength(21);
    for (const text of written) {
      expect(text.startsWith('\r[') && text.endsWith('\u001b[K') && !text.includes('\n')).toBe(true);
    }
    expect(written[10]).toContain('[##########..........] 21/40');
    expect(written.at(-1)).toContain('[####################] 40/40');
    line.end();
    expect(written.at(-1)).toBe('\r\u001b[K');
    line.end();
    expect(written).toHaveLength(22);
  });

  it('never reaches the last column, where a terminal would wrap', () => {
    const { terminal, written } = recorder(true, 30);
    new ProgressLine(terminal, runCounts).update(
      progress(3, 40, { regions: { face: 123, body: 4, plate: 5, text: 6 } }),
    );
    expect(written[0]?.replace('\r', '').replace('\u001b[K', '')).toHaveLength(29);
  });

  it('writes a whole line every ten seconds where there is no terminal', () => {
    const { terminal, written } = recorder(false);
    const line = new ProgressLine(terminal, runCounts);
    for (let done = 1; done <= 50; done++) {
      vi.advanceTimersByTime(500);
      line.update(progress(done, 50));
    }
    line.end();
    expect(written).toEqual([
      '20/50  2.0 img/s  15 s left  quarantined 0\n',
      '40/50  2.0 img/s  5.0 s left  quarantined 0\n',
    ]);
  });
});
