import { createReadStream } from 'node:fs';
import { chmod, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { makeFolder, sha256OfFile, writeFileAtomic } from '../io/atomic.ts';
import { jsonLines } from '../io/records.ts';
import type { ClipInfo } from '../video/types.ts';
import type { ClipRegion, DetectedFrame } from '../worker/clip.ts';

/** What must be the same for what an earlier run has left of a clip to be gone on with. */
export interface Fingerprint {
  /** Of the source's bytes. */
  readonly sha256: string;
  /** Of every setting that decides what is detected and redacted, and of how the clip is cut into segments. */
  readonly policy: string;
  /** What replacements look like: in no hash, since it could be guessed from one. */
  readonly seed: number;
}

/**
 * The private folder of one clip (0700, files 0600): what was detected in it, and its segments once they are redacted.
 * No pixel of the source is ever in it.
 */
export class ClipWorkspace {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * @returns the workspace, and what the clip was found to be when an earlier run has left work that can be gone on with.
   * @throws OutputError
   */
  static async open(folder: string, fingerprint: Fingerprint): Promise<{ workspace: ClipWorkspace; clip?: ClipInfo }> {
    const earlier = await readFile(join(folder, 'clip.json'), 'utf8')
      .then((text) => JSON.parse(text) as Fingerprint & { readonly clip: ClipInfo })
      .catch(() => undefined);
    const workspace = new ClipWorkspace(folder);
    const { sha256, policy, seed } = fingerprint;
    if (earlier?.sha256 === sha256 && earlier.policy === policy && earlier.seed === seed) {
      return { workspace, clip: earlier.clip };
    }
    await workspace.remove();
    await makeFolder(folder, 0o700);
    return { workspace };
  }

  async begin(fingerprint: Fingerprint, clip: ClipInfo): Promise<void> {
    await this.#write('clip.json', JSON.stringify({ ...fingerprint, clip }));
  }

  async detected(segment: number): Promise<DetectedFrame[] | undefined> {
    const file = join(this.#folder, `detections-${numbered(segment)}.jsonl`);
    return (await readFile(file, 'utf8').catch(() => undefined))
      ?.split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as DetectedFrame);
  }

  async keepDetected(segment: number, frames: readonly DetectedFrame[]): Promise<void> {
    await this.#write(`detections-${numbered(segment)}.jsonl`, jsonLines(frames));
  }

  /** Where a worker writes a segment; `keepRedacted` gives it its name. */
  unfinished(segment: number): string {
    return `${this.redacted(segment)}.tmp`;
  }

  /** The file of a redacted segment. */
  redacted(segment: number): string {
    return join(this.#folder, `segment-${numbered(segment)}.mkv`);
  }

  /** Whether the segment is there, whole. */
  async hasRedacted(segment: number): Promise<boolean> {
    const [first] = (await readFile(this.#regionsFile(segment), 'utf8').catch(() => '')).split('\n', 1);
    if (!first) return false;
    const sha256 = await sha256OfFile(this.redacted(segment)).catch(() => undefined);
    return (JSON.parse(first) as { readonly sha256: string }).sha256 === sha256;
  }

  /** What was redacted is written last: it makes the segment count. */
  async keepRedacted(segment: number, frames: readonly (readonly ClipRegion[])[]): Promise<void> {
    const sha256 = await sha256OfFile(this.unfinished(segment));
    await chmod(this.unfinished(segment), 0o600);
    await rename(this.unfinished(segment), this.redacted(segment));
    await this.#write(`segment-${numbered(segment)}.jsonl`, jsonLines([{ sha256 }, ...frames]));
  }

  /** What was redacted in the frames of a segment, in order. */
  async *regions(segment: number): AsyncGenerator<ClipRegion[]> {
    const lines = createInterface({ input: createReadStream(this.#regionsFile(segment)), crlfDelay: Infinity });
    let isFirst = true;
    for await (const line of lines) {
      if (!isFirst) yield JSON.parse(line) as ClipRegion[];
      isFirst = false;
    }
  }

  /** Removes the segments; what was detected stays. */
  async removeSegments(count: number): Promise<void> {
    for (let segment = 0; segment < count; segment++) {
      for (const file of [this.redacted(segment), this.#regionsFile(segment), this.unfinished(segment)]) {
        await rm(file, { force: true });
      }
    }
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  #regionsFile(segment: number): string {
    return join(this.#folder, `segment-${numbered(segment)}.jsonl`);
  }

  async #write(name: string, text: string): Promise<void> {
    await writeFileAtomic(join(this.#folder, name), text, 0o600);
  }
}

function numbered(segment: number): string {
  return String(segment).padStart(5, '0');
}
