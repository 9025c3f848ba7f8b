import type { Box, PoseGuide, RgbImage } from '../../core/types.ts';
import type { Device } from '../../models/session.ts';

/** Placeholder of the contract; the network comes next. */
export class PoseNetwork {
  static async open(_path: string, _device: Device): Promise<PoseNetwork> {
    return new PoseNetwork();
  }

  /** @param box around the body, xyxy pixels, not clipped. @returns nothing when the points cannot be relied on. */
  async guide(_image: RgbImage, _box: Box): Promise<PoseGuide | undefined> {
    return undefined;
  }

  async close(): Promise<void> {}
}
