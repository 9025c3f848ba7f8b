import type { Box, FaceGuide, RgbImage } from '../../core/types.ts';
import type { Device } from '../../models/session.ts';

/** Placeholder of the contract; the network comes next. */
export class LandmarkNetwork {
  static async open(_path: string, _device: Device): Promise<LandmarkNetwork> {
    return new LandmarkNetwork();
  }

  /** @param box around the face, xyxy pixels, not clipped. @returns nothing when the points cannot be relied on. */
  async guide(_image: RgbImage, _box: Box): Promise<FaceGuide | undefined> {
    return undefined;
  }

  async close(): Promise<void> {}
}
