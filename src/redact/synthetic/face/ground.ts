import type { Region } from '../../../core/types.ts';
import { inpaintToward } from '../../inpaint.ts';
import { circumscribe } from '../../mask.ts';
import type { Scene } from '../../patch.ts';
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
  const data = Uint8ClampedArray.from(base);
  const tint = { image: { ...window, data: new Uint8Array(data.buffer) }, x: window.x, y: window.y };
  const { image: fill, x: left, y: top } = inpaintToward(scene, region, tint);
  const { cx, cy, a, b } = circumscribe(region.core);
  for (let y = 0; y < fill.height; y++) {
    for (let x = 0; x < fill.width; x++) {
      const share = Math.hypot((left + x + 0.5 - cx) / a, (top + y + 0.5 - cy) / b);
      const outer = STRENGTH * smooth((share - RING.inner) / (RING.outer - RING.inner));
      const from = 3 * (y * fill.width + x);
      const at = 3 * ((top + y - window.y) * window.width + left + x - window.x);
      for (let c = 0; c < 3; c++) {
        base[at + c] = (base[at + c] as number) * (1 - outer) + (fill.data[from + c] as number) * outer;
      }
    }
  }
}

function smooth(t: number): number {
  const s = Math.min(1, Math.max(0, t));
  return s * s * (3 - 2 * s);
}
