/** Works through `items` with at most `width` of them in work; the first failure ends it. */
export async function inWindow<T>(
  items: AsyncIterable<T> | Iterable<T>,
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  try {
    for await (const item of items) {
      const one = work(item).finally(() => running.delete(one));
      // Awaited below; until then a rejection must not count as unhandled.
      one.catch(() => {});
      running.add(one);
      if (running.size >= width) await Promise.race(running);
    }
    await Promise.all(running);
  } finally {
    await Promise.allSettled(running);
  }
}
