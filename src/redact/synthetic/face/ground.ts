import type { Region } from '../../../core/types.ts';
import { inpaintToward } from '../../inpaint.ts';
import { circumscribe } from '../../mask.ts';
import type { Scene } from '../../patch.ts';
import { toBytes } from './layer.ts';
import type { Window } from './mesh.ts';

/** How much of the texture is laid on: all of it would show where pieces of it meet. */
const STRENGTH = 0.55;

/** Where what `blur` leaves passes into hair and background: shares of the way from the middle to the region's edge. */
const RING = { inner: 0.5, outer: 0.7 } as const;

/**
 * Gives what stands around a drawn face the texture of hair and background as they go on outside, put where the base
 * is most like them. `base`: RGB floats over the window, what `blur` leaves; changed in place.
 */
export function growSurroundings(scene: Scene, region: Region, base: Float32Array, window: Window): void {
  if (region.shape !== 'ellipse') return;
  const tint = { image: { ...window, data: toBytes(base) }, x: window.x, y: window.y };
  const { image: fill, x: left, y: top } = inpaintToward(scene, region, tint);
  const { cx, cy, a, b } = circumscribe(region.core);
  for (let y = 0; y < fill.height; y++) {
    const down = (top + y + 0.5 - cy) / b;
    let from = 3 * y * fill.width;
    let at = 3 * ((top + y - window.y) * window.width + left - window.x);
    for (let x = 0; x < fill.width; x++, from += 3, at += 3) {
      const across = (left + x + 0.5 - cx) / a;
      const share = across * across + down * down;
      if (share <= RING.inner * RING.inner) continue;
      const outer = STRENGTH * smooth((Math.sqrt(share) - RING.inner) / (RING.outer - RING.inner));
      for (let c = 0; c < 3; c++) {
        const value = base[at + c] as number;
        base[at + c] = value + ((fill.data[from + c] as number) - value) * outer;
      }
    }
  }
}

function smooth(t: number): number {
  const s = Math.min(1, Math.max(0, t));
  return s * s * (3 - 2 * s);
}
