import type { RejectedOutcome } from '../core/outcome.ts';
import { UsageError } from '../errors.ts';
import { sha256OfFile } from '../io/atomic.ts';
import { indexByName } from '../known/by-sample.ts';
import { readClipBoxes } from '../known/clip-boxes.ts';
import { GIVEN, prepareWithoutDetectors } from '../prepare.ts';
import type { KnownFrames } from './known-frames.ts';
import type { ListedClip, ListedClips } from './list.ts';
import type { ClipsWork } from './run.ts';

const NO_BOXES: RejectedOutcome = {
  status: 'quarantined',
  stage: 'detect',
  reason: 'no-boxes',
  message: 'Expected entries in --boxes but found none',
};

/**
 * A run that redacts given regions in the place of detections.
 * @throws UsageError for a file of another form, or of none of the clips.
 */
export async function givenWork(file: string, listed: ListedClips): Promise<Omit<ClipsWork, 'config' | 'listed'>> {
  const { clips } = listed;
  const boxes = await readClipBoxes(file);
  const named = { total: clips.length, at: (index: number) => clips[index] as ListedClip };
  const indices = indexByName(named, new Set(boxes.keys()));
  if (indices.size === 0) {
    throw new UsageError(`Expected boxes for clips of the input in ${file} but received none by their names`);
  }
  const byIndex = new Map([...indices].map(([name, index]) => [index, boxes.get(name)]));
  const empty = [...byIndex.values()].filter((given) => given?.hasEmpty).length;
  return {
    prepare: (config) => prepareWithoutDetectors(config, GIVEN),
    knownFrames: async ({ index }): Promise<KnownFrames | RejectedOutcome> => {
      const given = byIndex.get(index);
      if (given === undefined) return NO_BOXES;
      const framesOf: KnownFrames['in'] = ({ pts }) =>
        given.in(pts.length).map((detections, frame) => ({ frame, differences: [], detections }));
      return { in: framesOf };
    },
    detections: 'given',
    before: GIVEN,
    digest: await sha256OfFile(file),
    notices: [
      ...told(clips.length - indices.size, 'clip has', 'clips have', 'no entry in --boxes and will not be published'),
      ...told(empty, 'clip has', 'clips have', 'frames with an empty list in --boxes, published with nothing redacted'),
      ...told(boxes.size - indices.size, 'name', 'names', 'in --boxes of no clip'),
    ],
  };
}

function told(n: number, one: string, many: string, what: string): string[] {
  return n === 0 ? [] : [`${n.toLocaleString('en')} ${n === 1 ? one : many} ${what}`];
}
