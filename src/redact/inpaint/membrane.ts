/**
 * Fills the cells where `fixed` is 0 so smoothly that each is the mean of its neighbours (Laplace's equation), coarse
 * to fine: pull and push for a start (Gortler et al., 1996), then over-relaxation. Cells where `fixed` is 2 are left
 * out altogether.
 *
 * @param value `channels` numbers a cell, cell by cell; filled in place. All 0 when nothing is fixed.
 */
export function fillMembrane(
  value: Float32Array,
  fixed: Uint8Array,
  width: number,
  height: number,
  channels: number,
): void {
  if (!fixed.includes(0)) return;
  if (width > 1 || height > 1) push(value, fixed, width, height, channels);
  relax(value, fixed, width, channels);
}

/** Starts the free cells with the filled level of half the size. */
function push(value: Float32Array, fixed: Uint8Array, width: number, height: number, channels: number): void {
  const halfWidth = Math.ceil(width / 2);
  const halfHeight = Math.ceil(height / 2);
  const half = new Float32Array(halfWidth * halfHeight * channels);
  const count = new Float32Array(halfWidth * halfHeight);
  const halfFixed = new Uint8Array(halfWidth * halfHeight);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      if (fixed[i] !== 1) continue;
      const at = (y >> 1) * halfWidth + (x >> 1);
      count[at] = (count[at] as number) + 1;
      for (let c = 0; c < channels; c++) {
        half[at * channels + c] = (half[at * channels + c] as number) + (value[i * channels + c] as number);
      }
    }
  }
  let free = false;
  for (let i = 0; i < count.length; i++) {
    const n = count[i] as number;
    halfFixed[i] = n > 0 ? 1 : 0;
    if (n === 0) free = true;
    else for (let c = i * channels; c < (i + 1) * channels; c++) half[c] = (half[c] as number) / n;
  }
  if (free) fillMembrane(half, halfFixed, halfWidth, halfHeight, channels);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      if (fixed[i] !== 0) continue;
      const at = (y >> 1) * halfWidth + (x >> 1);
      for (let c = 0; c < channels; c++) value[i * channels + c] = half[at * channels + c] as number;
    }
  }
}

const SWEEPS = 10;
const OVER = 1.5;

function relax(value: Float32Array, fixed: Uint8Array, width: number, channels: number): void {
  const free: number[] = [];
  for (let i = 0; i < fixed.length; i++) if (fixed[i] === 0) free.push(i);
  const row = width * channels;
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    // To and fro, so that no direction is preferred.
    for (let k = 0; k < free.length; k++) {
      const i = free[sweep % 2 ? free.length - 1 - k : k] as number;
      const x = i % width;
      const left = x > 0 && fixed[i - 1] !== 2;
      const right = x + 1 < width && fixed[i + 1] !== 2;
      const up = i >= width && fixed[i - width] !== 2;
      const down = i + width < fixed.length && fixed[i + width] !== 2;
      const n = Number(left) + Number(right) + Number(up) + Number(down);
      if (n === 0) continue;
      for (let at = i * channels; at < (i + 1) * channels; at++) {
        let sum = 0;
        if (left) sum += value[at - channels] as number;
        if (right) sum += value[at + channels] as number;
        if (up) sum += value[at - row] as number;
        if (down) sum += value[at + row] as number;
        const old = value[at] as number;
        value[at] = old + (sweep < SWEEPS - 2 ? OVER : 1) * (sum / n - old);
      }
    }
  }
}
