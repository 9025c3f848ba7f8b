import { readFile } from 'node:fs/promises';
import { Guides } from '../detect/guides/index.ts';
import { DetectPipeline } from '../detect/pipeline.ts';
import { ModelError } from '../errors.ts';
import { type FaceModel, parseFaceModel } from '../redact/synthetic/face/model.ts';
import type { Job } from './job.ts';

/** All networks of one worker, and what its replacements are drawn from. */
export class Networks {
  readonly detect: DetectPipeline;
  readonly guides: Guides;
  readonly faces: FaceModel | undefined;

  private constructor(detect: DetectPipeline, guides: Guides, faces: FaceModel | undefined) {
    this.detect = detect;
    this.guides = guides;
    this.faces = faces;
  }

  /** @throws ModelError when one cannot be opened. */
  static async open({
    detect,
    guides,
    faces,
    device,
  }: Pick<Job, 'detect' | 'guides' | 'faces' | 'device'>): Promise<Networks> {
    const faceModel = faces === undefined ? undefined : await readFaceModel(faces);
    const detectors = await DetectPipeline.open(detect, device);
    try {
      return new Networks(detectors, await Guides.open(guides, device), faceModel);
    } catch (error) {
      await detectors.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.detect.close(), this.guides.close()]);
  }
}

async function readFaceModel(path: string): Promise<FaceModel> {
  try {
    return parseFaceModel(await readFile(path));
  } catch (cause) {
    if (cause instanceof ModelError) throw cause;
    throw new ModelError(`Expected a readable face model at ${path} but received: ${(cause as Error).message}`, {
      cause,
    });
  }
}
