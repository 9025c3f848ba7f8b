import type { Sheet } from './sheet.ts';

/** The sheet blurred by a Gaussian of standard deviation `sigma` pixels; beyond its edges nothing is drawn. */
export function softened(sheet: Sheet, sigma: number): Sheet {
  if (sigma < 0.2) return sheet;
  const kernel = gaussianKernel(sigma);
  const { width, height } = sheet;
  const across = convolve(sheet.rgba, kernel, width, height, 4, width * 4);
  return { rgba: convolve(across, kernel, height, width, width * 4, 4), width, height };
}

function gaussianKernel(sigma: number): Float64Array {
  const radius = Math.ceil(3 * sigma);
  const kernel = Float64Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.exp(-((i - radius) ** 2) / (2 * sigma * sigma)),
  );
  const sum = kernel.reduce((a, b) => a + b);
  return kernel.map((k) => k / sum);
}

/** Convolves `lines` lines of `length` RGBA pixels that are `step` numbers apart; a line begins every `stride` numbers. */
function convolve(
  source: Float32Array,
  kernel: Float64Array,
  length: number,
  lines: number,
  step: number,
  stride: number,
): Float32Array {
  const out = new Float32Array(source.length);
  const radius = (kernel.length - 1) / 2;
  for (let line = 0; line < lines; line++) {
    const begin = line * stride;
    for (let p = 0; p < length; p++) {
      let r = 0;
      let g = 0;
      let b = 0;
      let a = 0;
      const last = Math.min(length - 1, p + radius);
      for (let q = Math.max(0, p - radius); q <= last; q++) {
        const weight = kernel[q - p + radius] as number;
        const from = begin + q * step;
        r += weight * (source[from] as number);
        g += weight * (source[from + 1] as number);
        b += weight * (source[from + 2] as number);
        a += weight * (source[from + 3] as number);
      }
      const at = begin + p * step;
      out[at] = r;
      out[at + 1] = g;
      out[at + 2] = b;
      out[at + 3] = a;
    }
  }
  return out;
}
