/** How long ffmpeg may take for one step, such as a frame, before it is taken to hang. */
export const PATIENCE_SECONDS = 180;

/**
 * Waits for a step of another program; calls `giveUp`, which makes the step fail, when that takes too long.
 * @param seconds Infinity where the step waits for somebody who may take all the time there is.
 */
export async function withPatience<T>(step: Promise<T>, giveUp: () => void, seconds = PATIENCE_SECONDS): Promise<T> {
  if (seconds === Infinity) return step;
  const timer = setTimeout(giveUp, seconds * 1000);
  try {
    return await step;
  } finally {
    clearTimeout(timer);
  }
}
