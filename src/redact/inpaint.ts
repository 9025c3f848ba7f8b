import type { Replacer } from './patch.ts';
import { patchBox } from './patch.ts';

/** The mean colour of what is known of the photograph. */
export const inpaint: Replacer = ({ image, covered }, region) => {
  const { x1, y1, x2, y2 } = patchBox(region, image);
  const width = x2 - x1;
  const out = new Uint8Array(width * (y2 - y1) * 3);
  const sum = [0, 0, 0];
  let n = 0;
  for (let i = 0; i < covered.length; i++) {
    if (covered[i]) continue;
    for (let c = 0; c < 3; c++) sum[c] = (sum[c] as number) + (image.data[3 * i + c] as number);
    n++;
  }
  for (let i = 0; i < out.length; i++) out[i] = n ? (sum[i % 3] as number) / n : 128;
  return { image: { data: out, width, height: y2 - y1 }, x: x1, y: y1 };
};
