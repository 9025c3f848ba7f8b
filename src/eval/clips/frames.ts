import { UsageError } from '../../errors.ts';
import type { ClipObject } from './labels.ts';

/**
 * Adds a labelled frame.
 * @throws UsageError when it is there already, or one thing occurs twice in it.
 */
export function addFrame(
  frames: Map<number, readonly ClipObject[]>,
  frame: number,
  objects: readonly ClipObject[],
  where: string,
): void {
  if (frames.has(frame)) throw new UsageError(`${where}: expected every frame once but received ${frame} again`);
  const seen = new Set<string>();
  for (const { class: cls, id } of objects) {
    if (id === undefined) continue;
    const key = `${cls} ${id}`;
    if (seen.has(key)) {
      throw new UsageError(`${where}: expected every ${cls} once in frame ${frame} but received id ${id} again`);
    }
    seen.add(key);
  }
  frames.set(frame, objects);
}
