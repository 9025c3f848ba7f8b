/** One coordinate of a moving thing: where it is, how fast it goes (pixels, pixels a step), and how sure that is. */
export interface Motion {
  readonly at: number;
  readonly speed: number;
  readonly varAt: number;
  readonly varSpeed: number;
  readonly covariance: number;
}

/** Variances by which a motion is believed. */
export interface Noise {
  /** Of a measured coordinate, pixels². */
  readonly measured: number;
  /** By which the speed may change in a step, pixels²/step³. */
  readonly turning: number;
  /** Of a speed of which nothing is known, pixels²/step². */
  readonly speed: number;
}

export function startMotion(at: number, noise: Noise): Motion {
  return { at, speed: 0, varAt: noise.measured, varSpeed: noise.speed, covariance: 0 };
}

/** The motion `dt` steps later: constant velocity under white noise of acceleration (Bar-Shalom, Li, Kirubarajan, 2001, 6.2.2). */
export function predict({ at, speed, varAt, varSpeed, covariance }: Motion, dt: number, { turning }: Noise): Motion {
  return {
    at: at + speed * dt,
    speed,
    varAt: varAt + 2 * covariance * dt + varSpeed * dt * dt + (turning * dt ** 3) / 3,
    varSpeed: varSpeed + turning * dt,
    covariance: covariance + varSpeed * dt + (turning * dt * dt) / 2,
  };
}

/** The motion once it was measured to be at `measured` (Kalman, 1960). */
export function correct({ at, speed, varAt, varSpeed, covariance }: Motion, measured: number, noise: Noise): Motion {
  const total = varAt + noise.measured;
  const gain = varAt / total;
  const gainSpeed = covariance / total;
  const surprise = measured - at;
  return {
    at: at + gain * surprise,
    speed: speed + gainSpeed * surprise,
    varAt: (1 - gain) * varAt,
    varSpeed: varSpeed - gainSpeed * covariance,
    covariance: (1 - gain) * covariance,
  };
}

/**
 * The motion at every time, told by all measurements, those before and those after (Rauch, Tung and Striebel, 1965).
 * @param times steps, increasing.
 * @param measured one a time, undefined where there is none; the first and the last are there.
 * @param noise one a time.
 */
export function smoothMotion(
  times: readonly number[],
  measured: readonly (number | undefined)[],
  noise: readonly Noise[],
): Motion[] {
  const filtered = new MotionStore(times.length);
  const predicted = new MotionStore(times.length);
  for (const [i, z] of measured.entries()) {
    const here = noise[i] as Noise;
    const dt = (times[i] as number) - (times[i - 1] ?? 0);
    const expected = i === 0 ? startMotion(z as number, here) : predict(filtered.at(i - 1), dt, here);
    predicted.set(i, expected);
    filtered.set(i, z === undefined || i === 0 ? expected : correct(expected, z, here));
  }
  const smoothed: Motion[] = new Array(times.length);
  let later = filtered.at(times.length - 1);
  smoothed[times.length - 1] = later;
  for (let i = times.length - 2; i >= 0; i--) {
    const dt = (times[i + 1] as number) - (times[i] as number);
    later = smoothBack(filtered.at(i), predicted.at(i + 1), later, dt);
    smoothed[i] = later;
  }
  return smoothed;
}

/** Motions in 40 bytes each: those of a whole track are needed at once. */
class MotionStore {
  readonly #numbers: Float64Array;

  constructor(length: number) {
    this.#numbers = new Float64Array(5 * length);
  }

  set(i: number, { at, speed, varAt, varSpeed, covariance }: Motion): void {
    const to = 5 * i;
    this.#numbers[to] = at;
    this.#numbers[to + 1] = speed;
    this.#numbers[to + 2] = varAt;
    this.#numbers[to + 3] = varSpeed;
    this.#numbers[to + 4] = covariance;
  }

  at(i: number): Motion {
    const from = 5 * i;
    return {
      at: this.#numbers[from] as number,
      speed: this.#numbers[from + 1] as number,
      varAt: this.#numbers[from + 2] as number,
      varSpeed: this.#numbers[from + 3] as number,
      covariance: this.#numbers[from + 4] as number,
    };
  }
}

/** What `later` tells of the motion `dt` steps before it. */
function smoothBack(here: Motion, predicted: Motion, later: Motion, dt: number): Motion {
  // Gain = P Fᵀ P⁻¹, with P Fᵀ in a…d and the determinant of the predicted covariance.
  const [a, b] = [here.varAt + here.covariance * dt, here.covariance];
  const [c, d] = [here.covariance + here.varSpeed * dt, here.varSpeed];
  const determinant = predicted.varAt * predicted.varSpeed - predicted.covariance ** 2;
  const g00 = (a * predicted.varSpeed - b * predicted.covariance) / determinant;
  const g01 = (b * predicted.varAt - a * predicted.covariance) / determinant;
  const g10 = (c * predicted.varSpeed - d * predicted.covariance) / determinant;
  const g11 = (d * predicted.varAt - c * predicted.covariance) / determinant;
  const dAt = later.at - predicted.at;
  const dSpeed = later.speed - predicted.speed;
  const e00 = later.varAt - predicted.varAt;
  const e01 = later.covariance - predicted.covariance;
  const e11 = later.varSpeed - predicted.varSpeed;
  return {
    at: here.at + g00 * dAt + g01 * dSpeed,
    speed: here.speed + g10 * dAt + g11 * dSpeed,
    varAt: Math.max(0, here.varAt + g00 * g00 * e00 + 2 * g00 * g01 * e01 + g01 * g01 * e11),
    varSpeed: Math.max(0, here.varSpeed + g10 * g10 * e00 + 2 * g10 * g11 * e01 + g11 * g11 * e11),
    covariance: here.covariance + g00 * (g10 * e00 + g11 * e01) + g01 * (g10 * e01 + g11 * e11),
  };
}
