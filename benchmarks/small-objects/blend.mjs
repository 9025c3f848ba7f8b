/** How far a patch's mean brightness goes towards that of its place: 0 not at all, 1 all the way. */
const TOWARDS = 0.3;
const GAIN = [0.8, 1.25];
/** Levels of 255. More would be texture that was taken for noise. */
const MOST_NOISE = 2.5;

/**
 * Pastes a patch, its brightness and noise brought mildly nearer to those of its place.
 * @param {{data: Buffer, width: number, height: number}} photo changed in place
 * @param {import('./patch.mjs').Patch} patch
 * @param {number} left whole pixels
 * @param {number} top
 * @param {import('./random.mjs').Random} random
 */
export function blend(photo, patch, left, top, random) {
  const { width, height, alpha } = patch;
  const place = statistics(photo, left, top, width, height);
  const own = statistics(patch, 0, 0, width, height);
  const gain = Math.min(GAIN[1], Math.max(GAIN[0], ((place.mean + 1) / (own.mean + 1)) ** TOWARDS));
  const noise = Math.min(MOST_NOISE, Math.sqrt(Math.max(0, place.noise ** 2 - (own.noise * gain) ** 2)));
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const grain = noise * random.normal();
      const to = ((top + y) * photo.width + left + x) * 3;
      for (let c = 0; c < 3; c++) {
        const below = photo.data[to + c];
        const above = patch.data[i * 3 + c] * gain + grain;
        photo.data[to + c] = Math.min(255, Math.max(0, Math.round(below + alpha[i] * (above - below))));
      }
    }
  }
}

/** Mean and noise of the green channel, in levels; noise after Immerkær (1996), too high where there is texture. */
function statistics({ data, width: stride }, left, top, width, height) {
  const at = (x, y) => data[((top + y) * stride + left + x) * 3 + 1];
  let sum = 0;
  let laplace = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      sum += at(x, y);
      if (x === 0 || y === 0 || x === width - 1 || y === height - 1) continue;
      const corners = at(x - 1, y - 1) + at(x + 1, y - 1) + at(x - 1, y + 1) + at(x + 1, y + 1);
      const sides = at(x, y - 1) + at(x - 1, y) + at(x + 1, y) + at(x, y + 1);
      laplace += Math.abs(corners - 2 * sides + 4 * at(x, y));
    }
  }
  const inner = Math.max(1, (width - 2) * (height - 2));
  return { mean: sum / (width * height), noise: (Math.sqrt(Math.PI / 2) * laplace) / (6 * inner) };
}
