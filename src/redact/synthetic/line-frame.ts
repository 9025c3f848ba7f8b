import { boxHeight, boxWidth, convexHull, minAreaRect, type OrientedRect } from '../../core/geometry.ts';
import type { Region } from '../../core/types.ts';

/** The rectangle that a region's outline or core describes, `width` running as upright reading does: -45° < angle <= 45°. */
export function uprightRect(region: Region): OrientedRect {
  if (!region.polygon) {
    const { core } = region;
    const [cx, cy] = [(core.x1 + core.x2) / 2, (core.y1 + core.y2) / 2];
    return { cx, cy, width: boxWidth(core), height: boxHeight(core), angle: 0 };
  }
  const rect = minAreaRect(convexHull(region.polygon));
  const quarters = Math.ceil(rect.angle / (Math.PI / 2) - 0.5);
  const angle = rect.angle - (quarters * Math.PI) / 2;
  return quarters % 2 === 0 ? { ...rect, angle } : { ...rect, angle, width: rect.height, height: rect.width };
}
