import { describe, expect, it } from 'vitest';
import { type ClipProgress, ClipRunFrames } from '../../src/clips/progress.ts';

/** What a worker does with one half of so many frames. */
function work({ counters }: ClipProgress, frames: number): void {
  Atomics.add(new Int32Array(counters), 0, frames);
}

describe('frames of a run over clips', () => {
  it('are unknown before a clip is open, then guessed from the sizes of the others', () => {
    const run = new ClipRunFrames(4000);
    const first = run.begin(2);
    expect(run.state).toEqual({ done: 0, kept: 0, isGuess: true, steps: ['open'] });
    run.expect(first, 300, 1000);
    expect(run.state).toMatchObject({ total: 1200, isGuess: true });
    run.pass(1000);
    expect(run.state).toMatchObject({ total: 900, isGuess: true });
    run.expect(run.begin(2), 50, 2000);
    expect(run.state).toMatchObject({ total: 350, isGuess: false });
  });

  it('count as half done once they were looked at, and those of an earlier run say nothing of how fast it goes', () => {
    const run = new ClipRunFrames(1000);
    const clip = run.begin(2);
    run.expect(clip, 300, 1000);
    clip.keep(120);
    work(clip, 180);
    expect(run.state).toMatchObject({ done: 150, kept: 60, total: 300 });
    expect(run.worked).toBe(90);
    clip.keep(120);
    work(clip, 180);
    run.end(clip);
    expect(run.state).toMatchObject({ done: 300, kept: 120, total: 300, steps: [] });
    expect(run.worked).toBe(180);
  });

  it('count as done in thirds where poses are read, too', () => {
    const run = new ClipRunFrames(1000);
    const clip = run.begin(3);
    run.expect(clip, 300, 1000);
    work(clip, 300);
    expect(run.state).toMatchObject({ done: 100, total: 300 });
    clip.keep(300);
    work(clip, 300);
    expect(run.state).toMatchObject({ done: 300, kept: 100, total: 300 });
  });

  it('are done once, also when a worker had to do them again, and are not expected of a clip that is rejected', () => {
    const run = new ClipRunFrames(2000);
    const [again, rejected] = [run.begin(2), run.begin(2)];
    run.expect(again, 100, 1000);
    run.expect(rejected, 100, 1000);
    work(again, 250);
    work(rejected, 20);
    expect(run.state).toMatchObject({ done: 110, total: 200 });
    run.end(rejected);
    expect(run.state).toMatchObject({ done: 110, total: 110 });
  });

  it('are left where they are when the run stops, in clips that have begun and that begin', () => {
    const run = new ClipRunFrames(10);
    const before = run.begin(2);
    run.stop();
    expect([before.isStopped, run.begin(2).isStopped]).toEqual([true, true]);
  });
});
