import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { writeClipLog } from '../../src/clips/log.ts';
import type { FrameRecord, VerifiedClip } from '../../src/clips/record.ts';
import { correctionLines } from '../../src/clips/report/corrections.ts';
import { chooseMoments, type Moment } from '../../src/clips/report/moments.ts';
import { bestSightings } from '../../src/clips/report/private.ts';
import { regionsIn, type TrackTrace, traceClip } from '../../src/clips/report/trace.ts';
import type { Detection } from '../../src/core/types.ts';
import { makeFolder } from '../../src/io/atomic.ts';
import type { ClipRegion } from '../../src/worker/clip.ts';

const track = (id: number, from: number, to: number, unseen = 0, side = 20): TrackTrace => ({
  ...{ id, class: 'face', from, to, seen: 2, firstBox: [40, 40, side, side], lastBox: [40, 40, side, side] },
  unseen: { from: from + 1, frames: unseen },
});
const CLIP = { width: 192, height: 108, frames: 200, tracks: [], cuts: [], sightings: new Map() };
const reasonsAt = (moments: readonly Moment[], frame: number) =>
  moments.find((moment) => moment.frame === frame)?.reasons.map(({ kind }) => kind);

describe('the moments of a clip that need a look', () => {
  it('are the frames beside tracks, unseen stretches, cuts, the most covered frame and weak finds', () => {
    const tracks = [track(0, 20, 60, 12), track(1, 100, 150), track(2, 0, 99)];
    const sightings = new Map([[1, { frame: 120, score: 0.31 }]]);
    const moments = chooseMoments({ ...CLIP, tracks, cuts: [100], sightings, largest: { frame: 33, share: 0.4 } }, 24);
    const found = [19, 27, 33, 61, 99, 100, 120, 151].map((frame) => [frame, reasonsAt(moments, frame)]);
    expect(found).toEqual([
      [19, ['before']],
      [27, ['unseen']],
      [33, ['largest']],
      [61, ['after']],
      // Both begin or end with a scene.
      [99, undefined],
      [100, ['cut']],
      [120, ['weak']],
      [151, ['after']],
    ]);
    expect(moments.filter(({ reasons }) => reasons[0]?.kind === 'sample')).toHaveLength(12);
  });

  it('come worst first where there are too many: large things in the middle before small ones and those at the edge', () => {
    const atEdge: TrackTrace = { ...track(2, 80, 90, 0, 90), firstBox: [0, 10, 90, 90], lastBox: [0, 10, 90, 90] };
    const tracks = [track(0, 20, 30, 0, 8), track(1, 50, 60, 0, 40), atEdge];
    const moments = chooseMoments({ ...CLIP, tracks }, 2);
    expect(moments.map(({ frame }) => frame)).toEqual([49, 61]);
  });

  it('are no more than asked for, in order, each in the clip, whatever its length', () => {
    const tracks = fc.array(
      fc.tuple(fc.nat(299), fc.nat(40), fc.nat(20)).map(([from, length, unseen]) => {
        const to = Math.min(299, from + length);
        return track(from, from, to, Math.max(0, Math.min(unseen, to - from - 1)));
      }),
      { maxLength: 200 },
    );
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: 299 })).map((list) => list.sort((a, b) => a - b));
    fc.assert(
      fc.property(tracks, cuts, fc.nat(40), (found, scenes, limit) => {
        const moments = chooseMoments({ ...CLIP, frames: 300, tracks: found, cuts: scenes }, limit);
        const frames = moments.map(({ frame }) => frame);
        expect(frames.length).toBeLessThanOrEqual(limit);
        expect(frames).toEqual([...new Set(frames)].sort((a, b) => a - b));
        expect(frames.every((frame) => frame >= 0 && frame < 300)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});

describe('what the log of a clip tells', () => {
  const out = mkdtemp(path.join(tmpdir(), 'anonymize-trace-'));
  afterAll(async () => rm(await out, { recursive: true, force: true }));
  const hash = 'a'.repeat(64);
  const record: VerifiedClip = {
    ...{ v: 1, key: '000000007', kind: 'clip', file: '000000007.mp4', status: 'verified', width: 96, height: 54 },
    ...{ frames: 7, policy: hash, models: [], counts: { face: 1, body: 0, plate: 1, text: 0 } },
    ...{ audio: 'drop', stripped: [], out_sha256: hash },
  };
  const face = (x: number, origin: ClipRegion['origin']): ClipRegion => ({
    ...{ track: 3, class: 'face', box: [x, 0, 48, 54], shape: 'ellipse', mode: 'blur', origin },
  });
  const plate: ClipRegion = { ...face(0, 'detector'), track: 4, class: 'plate', box: [48, 0, 48, 27] };
  const regions: ClipRegion[][] = [
    [],
    [face(0, 'interpolated')],
    [face(0, 'detector')],
    [face(0, 'interpolated'), plate],
    [face(0, 'interpolated')],
    [face(8, 'detector')],
    [],
  ];
  const frames: FrameRecord[] = regions.map((list, frame) => ({ frame, regions: list }));

  it('gives tracks with their longest unseen stretch between two sightings, frames by class and the most covered one', async () => {
    await makeFolder(path.join(await out, '_anonymize/redactions'));
    await writeClipLog(await out, record, frames);
    const { tracks, framesWith, regions: all, inferred, largest } = await traceClip(await out, record);
    expect(tracks).toMatchObject([
      {
        id: 3,
        from: 1,
        to: 5,
        firstBox: [0, 0, 48, 54],
        lastBox: [8, 0, 48, 54],
        seen: 2,
        unseen: { from: 3, frames: 2 },
      },
      { id: 4, from: 3, to: 3, seen: 1, unseen: { frames: 0 } },
    ]);
    expect(framesWith).toEqual({ face: 5, body: 0, plate: 1, text: 0 });
    expect([all, inferred]).toEqual([6, 3]);
    expect(largest).toEqual({ frame: 3, share: 0.75 });
    expect(await regionsIn(await out, record.key, new Set([5, 0]))).toEqual(
      new Map([
        [0, []],
        [5, [face(8, 'detector')]],
      ]),
    );
  });

  it('must be as it was written', async () => {
    await writeClipLog(await out, { ...record, key: '000000008' }, [
      { frame: 0, regions: [{ ...plate, score: 0.9 } as ClipRegion] },
    ]);
    await expect(traceClip(await out, { ...record, key: '000000008' })).rejects.toThrow(
      'Expected a record in line 2 of _anonymize/redactions/000000008.jsonl',
    );
  });

  it('gives lines for --corrections: what is meant first, with its box, since several may lie upon one another', () => {
    const moment: Moment = {
      frame: 3,
      reasons: [
        { kind: 'before', track: track(9, 4, 8) },
        { kind: 'unseen', track: track(4, 0, 9) },
      ],
    };
    const other = { ...plate, class: 'face' as const, track: 4 };
    const [add, meant, rest] = correctionLines('000000007', moment, [plate, other]);
    expect(add).toEqual({
      thing: 'face 9',
      line: '{"key":"000000007","action":"add","class":"face","from":3,"to":3,"box":[40,40,20,20]}',
    });
    expect(meant?.thing).toBe('face 4');
    expect(JSON.parse(rest?.line ?? '')).toEqual({
      ...{ key: '000000007', action: 'remove', class: 'plate', frame: 3, at: [72, 14], box: [48, 0, 48, 27] },
    });
    expect(
      correctionLines('000000007', { frame: 3, reasons: [] }, [
        { track: 1, class: 'face', shape: 'box', mode: 'blur', origin: 'detector' },
      ]),
    ).toEqual([]);
  });
});

describe('how sure the models were of a track', () => {
  it('is the best score of the detections that it was made of, in frames in which it was seen', async () => {
    const box = (x: number) => ({ x1: x, y1: 0, x2: x + 20, y2: 20 });
    const detection = (x: number, score: number, label: Detection['label'] = 'face'): Detection => ({
      ...{ label, box: box(x), score, model: 'm' },
    });
    const tracks = [
      { id: 0, class: 'face' as const, from: 0, boxes: [box(0), box(0), box(0)], seen: [true, true, false] },
      { id: 1, class: 'face' as const, from: 1, boxes: [box(12), box(60)], seen: [true, true] },
    ];
    const frames = [
      { frame: 0, differences: [], detections: [detection(1, 0.4), detection(0, 0.99, 'plate')] },
      { frame: 1, differences: [], detections: [detection(2, 0.6), detection(11, 0.7)] },
      { frame: 2, differences: [], detections: [detection(0, 0.9), detection(61, 0.2)] },
    ];
    expect(await bestSightings(tracks, frames)).toEqual(
      new Map([
        [0, { frame: 1, score: 0.6 }],
        [1, { frame: 1, score: 0.7 }],
      ]),
    );
  });
});
