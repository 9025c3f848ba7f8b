import { Guides } from '../detect/guides/index.ts';
import { DetectPipeline } from '../detect/pipeline.ts';
import type { Job } from './job.ts';

/** All networks of one worker. */
export class Networks {
  readonly detect: DetectPipeline;
  readonly guides: Guides;

  private constructor(detect: DetectPipeline, guides: Guides) {
    this.detect = detect;
    this.guides = guides;
  }

  /** @throws ModelError when one cannot be opened. */
  static async open({ detect, guides, device }: Pick<Job, 'detect' | 'guides' | 'device'>): Promise<Networks> {
    const detectors = await DetectPipeline.open(detect, device);
    try {
      return new Networks(detectors, await Guides.open(guides, device));
    } catch (error) {
      await detectors.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.detect.close(), this.guides.close()]);
  }
}
