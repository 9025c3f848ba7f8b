import type { Config } from '../config.ts';
import type { ClassName } from '../core/types.ts';
import { correctionsBySample, type SampleCorrections } from '../known/by-sample.ts';
import { type ClipCorrection, readClipCorrections } from '../known/clip-corrections.ts';
import { digestOfCorrections } from '../known/review.ts';
import type { ReviewSummary } from '../run.ts';
import type { Track } from '../video/tracks/index.ts';
import type { ClipInfo } from '../video/types.ts';
import { correctTracks } from './correct-tracks.ts';
import type { ListedClip } from './list.ts';

/** What a person says about the clips of a run; undefined where nobody says anything. @throws UsageError */
export async function reviewOf(
  { corrections, classes, redact }: Pick<Config, 'classes' | 'corrections' | 'redact'>,
  clips: readonly ListedClip[],
): Promise<ClipReview | undefined> {
  if (corrections === undefined) return undefined;
  return ClipReview.read(corrections, clips, (cls) => classes.includes(cls) && redact[cls] !== 'none');
}

/** What a person says about the clips of a run. */
export class ClipReview {
  /** SHA-256 of all corrections, in whatever order. */
  readonly digest: string;
  readonly #clips: readonly ListedClip[];
  readonly #said: SampleCorrections<ClipCorrection>;

  /** @param isRedacted whether the run redacts a class at all. @throws UsageError for a file of another form. */
  static async read(
    file: string,
    clips: readonly ListedClip[],
    isRedacted: (cls: ClassName) => boolean,
  ): Promise<ClipReview> {
    const rows = await readClipCorrections(file);
    const named = { total: clips.length, at: (index: number) => clips[index] as ListedClip };
    return new ClipReview(digestOfCorrections(rows), clips, correctionsBySample(rows, named, isRedacted, 'clip'));
  }

  private constructor(digest: string, clips: readonly ListedClip[], said: SampleCorrections<ClipCorrection>) {
    this.digest = digest;
    this.#clips = clips;
    this.#said = said;
  }

  of({ index }: ListedClip): ClipCorrection[] {
    return (this.#said.bySample.get(index) ?? []).map(({ correction }) => correction);
  }

  /**
   * What became of the corrections in a run whose clips are all done, by this process or another.
   * @param found what was followed in a clip before they were applied; undefined when it was not published.
   * @param isCounted clips of this part of the run; strays are told by all parts.
   */
  async sumUp(
    found: (clip: ListedClip) => Promise<{ readonly clip: ClipInfo; readonly tracks: readonly Track[] } | undefined>,
    isCounted: (index: number) => boolean = () => true,
  ): Promise<ReviewSummary> {
    const problems = [...this.#said.stray];
    const total = { add: 0, remove: 0, change: 0 };
    for (const [index, list] of this.#said.bySample) {
      if (!isCounted(index)) continue;
      const known = await found(this.#clips[index] as ListedClip);
      if (known === undefined) {
        problems.push(...list.map(({ where }) => `${where}: the clip was not published`));
        continue;
      }
      const corrections = list.map(({ correction }) => correction);
      const { unmatched, counts } = correctTracks(known.tracks, corrections, known.clip);
      for (const { where, correction } of list) {
        if (!unmatched.includes(correction)) continue;
        const { said, class: cls } = correction;
        problems.push(`${where}: found no ${said.action === 'add' ? 'such frame' : cls} to ${said.action} there`);
      }
      total.add += counts.add;
      total.remove += counts.remove;
      total.change += counts.change;
    }
    return { added: total.add, removed: total.remove, changed: total.change, problems: problems.sort() };
  }
}
