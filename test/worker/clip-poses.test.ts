import { expect, it } from 'vitest';
import type { Detection, Region } from '../../src/core/types.ts';
import { posedClasses, readPoses } from '../../src/worker/clip-poses.ts';
import type { Networks } from '../../src/worker/networks.ts';
import { jobWithoutNetworks } from '../fixtures/without-networks.ts';
import { noise } from '../redact/scenes.ts';
import { guideOf, model } from '../redact/synthetic/faces.ts';

const job = { ...jobWithoutNetworks('synthetic'), faces: 'model', guides: { pose: 'pose' } };

/** Networks that find a pose in every region that they are shown, and tell which these were. */
function posing(): { guides: Networks['guides']; looked: (number | undefined)[] } {
  const looked: (number | undefined)[] = [];
  const addTo = async (regions: readonly Region[]): Promise<Region[]> =>
    regions.map((region) => {
      looked.push(region.track);
      const { x1, y1, x2, y2 } = region.core;
      if (region.class === 'body')
        return { ...region, guide: { kind: 'pose', keypoints: [{ x: x1, y: y1, score: 1 }] } };
      return { ...region, guide: guideOf({ x: (x1 + x2) / 2, y: (y1 + y2) / 2, size: 0.8 * (x2 - x1) }) };
    });
  return { guides: { addTo } as unknown as Networks['guides'], looked };
}

const detection = (label: 'face' | 'body', track: number, x: number): Detection => {
  return { label, box: { x1: x, y1: 20, x2: x + 50, y2: 80 }, score: 1, model: 'track', track };
};
const detections = [detection('face', 4, 10), detection('body', 7, 70), detection('face', 9, 130)];

it('poses are read of faces and bodies, without the points of a face', async () => {
  const { guides } = posing();
  const read = await readPoses(noise(200, 100, 1), detections, job, { guides, faces: model });
  expect(new Map(read.map(({ track, guide }) => [track, guide.kind]))).toEqual(
    new Map([
      [4, 'followed-face'],
      [7, 'pose'],
      [9, 'followed-face'],
    ]),
  );
  expect(JSON.stringify(read)).not.toContain('landmarks');
});

it('nobody looks at what is not wanted', async () => {
  const { guides, looked } = posing();
  const read = await readPoses(noise(200, 100, 1), detections, job, { guides, faces: model }, (track) => track === 7);
  expect(looked).toEqual([7]);
  expect(read.map(({ track }) => track)).toEqual([7]);
});

it.each([
  ['faces are drawn', { faces: 'model', guides: { landmarks: 'l' } }, ['face']],
  ['mannequins are', { guides: { pose: 'p' } }, ['body']],
  ['both are', { faces: 'model', guides: { landmarks: 'l', pose: 'p' } }, ['face', 'body']],
  ['neither is', { guides: {} }, []],
])('poses are needed where %s', (_, networks, expected) => {
  expect(posedClasses(networks)).toEqual(expected);
});
