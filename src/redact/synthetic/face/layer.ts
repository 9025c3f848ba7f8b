/** Colours with opacity over a part of an image: `data` holds R, G, B (times the opacity) and the opacity, 0…1. */
export interface Layer {
  readonly data: Float32Array;
  readonly width: number;
  readonly height: number;
}

export function emptyLayer(width: number, height: number): Layer {
  return { data: new Float32Array(width * height * 4), width, height };
}

/** Averages 2 × 2 pixels; a last odd row or column is dropped. */
export function halveLayer({ data, width, height }: Layer): Layer {
  const half = emptyLayer(Math.max(1, width >> 1), Math.max(1, height >> 1));
  for (let y = 0; y < half.height; y++) {
    for (let x = 0; x < half.width; x++) {
      const from = (2 * y * width + 2 * x) * 4;
      const to = (y * half.width + x) * 4;
      for (let c = 0; c < 4; c++) {
        half.data[to + c] =
          ((data[from + c] as number) +
            (data[from + 4 + c] as number) +
            (data[from + 4 * width + c] as number) +
            (data[from + 4 * width + 4 + c] as number)) /
          4;
      }
    }
  }
  return half;
}

/** Blurs in place with a Gaussian of standard deviation `sigma` pixels; what lies outside counts as transparent. */
export function blurLayer({ data, width, height }: Layer, sigma: number): void {
  if (sigma < 0.2) return;
  const radius = Math.ceil(3 * sigma);
  const kernel = Float64Array.from({ length: radius + 1 }, (_, i) => Math.exp(-(i * i) / (2 * sigma * sigma)));
  const total = 2 * kernel.reduce((sum, v) => sum + v, 0) - 1;
  for (let i = 0; i <= radius; i++) kernel[i] = (kernel[i] as number) / total;
  const pass = (lines: number, length: number, lineStep: number, step: number): void => {
    const line = new Float32Array((length + 2 * radius) * 4);
    for (let l = 0; l < lines; l++) {
      for (let i = 0; i < length; i++) {
        const from = l * lineStep + i * step;
        const to = (i + radius) * 4;
        for (let c = 0; c < 4; c++) line[to + c] = data[from + c] as number;
      }
      for (let i = 0; i < length; i++) {
        const to = l * lineStep + i * step;
        const middle = (i + radius) * 4;
        for (let c = 0; c < 4; c++) {
          let sum = (kernel[0] as number) * (line[middle + c] as number);
          for (let k = 1; k <= radius; k++) {
            sum +=
              (kernel[k] as number) * ((line[middle + c - 4 * k] as number) + (line[middle + c + 4 * k] as number));
          }
          data[to + c] = sum;
        }
      }
    }
  };
  pass(height, width, width * 4, 4);
  pass(width, height, 4, width * 4);
}
