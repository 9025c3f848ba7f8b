import { chmod, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, sha256OfFile } from '../io/atomic.ts';
import { privatePath } from '../io/private-files.ts';
import { privateLines, readPrivateFile, writePrivateFile } from '../io/private-lines.ts';
import { jsonLines } from '../io/records.ts';
import type { Seal } from '../io/seal.ts';
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

/** What an earlier run has found out of a clip: what it is, and of which bytes. */
export type KnownClip = Fingerprint & { readonly clip: ClipInfo };

const CLIP_FILE = 'clip.json';

/**
 * The private folder of one clip (0700, files 0600): what was detected in it, and its segments once they are redacted.
 * No pixel of the source is ever in it. Where the private folder is encrypted, all but the redacted pictures is: these
 * are what is published, and tell nothing more.
 */
export class ClipWorkspace {
  readonly #folder: string;
  readonly #seal: Seal | undefined;

  private constructor(folder: string, seal: Seal | undefined) {
    this.#folder = folder;
    this.#seal = seal;
  }

  /**
   * @param seal encrypts what is private; of the whole private folder.
   * @returns the workspace, and what the clip was found to be when an earlier run has left work that can be gone on with.
   * @throws OutputError
   */
  static async open(
    folder: string,
    fingerprint: Fingerprint,
    seal?: Seal,
  ): Promise<{ workspace: ClipWorkspace; clip?: ClipInfo }> {
    const workspace = new ClipWorkspace(folder, seal);
    const earlier = await workspace.known();
    const { sha256, policy, seed } = fingerprint;
    if (earlier?.sha256 === sha256 && earlier.policy === policy && earlier.seed === seed) {
      return { workspace, clip: earlier.clip };
    }
    await workspace.remove();
    await makeFolder(folder, 0o700);
    return { workspace };
  }

  /** The workspace of a run that is over, to be read. */
  static over(folder: string, seal?: Seal): ClipWorkspace {
    return new ClipWorkspace(folder, seal);
  }

  async begin(fingerprint: Fingerprint, clip: ClipInfo): Promise<void> {
    await this.#write(CLIP_FILE, JSON.stringify({ ...fingerprint, clip }));
  }

  /** Undefined when nothing is known yet, or what is there is not whole. */
  async known(): Promise<KnownClip | undefined> {
    try {
      const text = await readPrivateFile(this.#folder, CLIP_FILE, this.#seal);
      return text === undefined ? undefined : (JSON.parse(text) as KnownClip);
    } catch {
      return undefined;
    }
  }

  /** Undefined for a segment that nobody has looked at. @throws UsageError for an encrypted file that is damaged. */
  async detected(segment: number): Promise<DetectedFrame[] | undefined> {
    return (await readPrivateFile(this.#folder, detectionsFile(segment), this.#seal))
      ?.split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as DetectedFrame);
  }

  async keepDetected(segment: number, frames: readonly DetectedFrame[]): Promise<void> {
    await this.#write(detectionsFile(segment), jsonLines(frames));
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
    for await (const line of privateLines(this.#folder, regionsFile(segment), this.#seal)) {
      const sha256 = await sha256OfFile(this.redacted(segment)).catch(() => undefined);
      return (JSON.parse(line) as { readonly sha256: string }).sha256 === sha256;
    }
    return false;
  }

  /** What was redacted is written last: it makes the segment count. */
  async keepRedacted(segment: number, frames: readonly (readonly ClipRegion[])[]): Promise<void> {
    const sha256 = await sha256OfFile(this.unfinished(segment));
    await chmod(this.unfinished(segment), 0o600);
    await rename(this.unfinished(segment), this.redacted(segment));
    await this.#write(regionsFile(segment), jsonLines([{ sha256 }, ...frames]));
  }

  /** What was redacted in the frames of a segment, in order. */
  async *regions(segment: number): AsyncGenerator<ClipRegion[]> {
    let isFirst = true;
    for await (const line of privateLines(this.#folder, regionsFile(segment), this.#seal)) {
      if (!isFirst) yield JSON.parse(line) as ClipRegion[];
      isFirst = false;
    }
  }

  /** Removes the segments; what was detected stays. */
  async removeSegments(count: number): Promise<void> {
    for (let segment = 0; segment < count; segment++) {
      const regions = privatePath(this.#folder, regionsFile(segment), this.#seal !== undefined);
      for (const file of [this.redacted(segment), regions, this.unfinished(segment)]) await rm(file, { force: true });
    }
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #write(name: string, text: string): Promise<void> {
    await writePrivateFile(this.#folder, name, text, this.#seal);
  }
}

function detectionsFile(segment: number): string {
  return `detections-${numbered(segment)}.jsonl`;
}

function regionsFile(segment: number): string {
  return `segment-${numbered(segment)}.jsonl`;
}

function numbered(segment: number): string {
  return String(segment).padStart(5, '0');
}
