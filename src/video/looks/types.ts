import type { FollowedGuide } from '../../core/types.ts';

/** How something followed is turned in one frame. */
export interface ReadPose {
  readonly track: number;
  readonly guide: FollowedGuide;
}

/** How something followed looks in a frame: drawn in this pose, or blurred. */
export type Look = FollowedGuide | 'blurred';
