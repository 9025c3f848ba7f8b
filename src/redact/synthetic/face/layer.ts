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
  const radius = Math.ceil(2.5 * sigma);
  const kernel = Float64Array.from({ length: radius + 1 }, (_, i) => Math.exp(-(i * i) / (2 * sigma * sigma)));
  const total = 2 * kernel.reduce((sum, v) => sum + v, 0) - 1;
  for (let i = 0; i <= radius; i++) kernel[i] = (kernel[i] as number) / total;
  const line = new Float32Array((width + 2 * radius) * 4);
  for (let y = 0; y < height; y++) {
    const row = data.subarray(y * width * 4, (y + 1) * width * 4);
    line.set(row, radius * 4);
    for (let i = 0; i < row.length; i++) {
      const middle = i + radius * 4;
      let sum = (kernel[0] as number) * (line[middle] as number);
      for (let k = 1; k <= radius; k++) {
        sum += (kernel[k] as number) * ((line[middle - 4 * k] as number) + (line[middle + 4 * k] as number));
      }
      row[i] = sum;
    }
  }
  const source = data.slice();
  const length = width * 4;
  for (let y = 0; y < height; y++) {
    const row = data.subarray(y * length, (y + 1) * length);
    for (let i = 0; i < length; i++) row[i] = (row[i] as number) * (kernel[0] as number);
    for (let k = -radius; k <= radius; k++) {
      if (k === 0 || y + k < 0 || y + k >= height) continue;
      const weight = kernel[Math.abs(k)] as number;
      const other = (y + k) * length;
      for (let i = 0; i < length; i++) row[i] = (row[i] as number) + weight * (source[other + i] as number);
    }
  }
}
