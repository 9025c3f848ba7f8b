import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ShardPlan } from '../../src/io/shard-plan.ts';

it('gives every shard and every sample to one part, in order, and parts that differ by one shard at most', () => {
  const whole = fc.record({
    total: fc.nat(600),
    samplesPerShard: fc.integer({ min: 1, max: 50 }),
    count: fc.integer({ min: 1, max: 12 }),
  });
  fc.assert(
    fc.property(whole, ({ total, samplesPerShard, count }) => {
      const all = new ShardPlan({ total, samplesPerShard });
      const plans = Array.from(
        { length: count },
        (_, index) => new ShardPlan({ total, samplesPerShard, part: { index, count } }),
      );
      expect(plans.flatMap((plan) => [...plan.names()])).toEqual([...all.names()]);
      let next = 0;
      for (const { firstSample, endSample } of plans) {
        expect(firstSample).toBe(next);
        next = endSample;
      }
      expect(next).toBe(total);
      const sizes = plans.map(({ shards }) => shards);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      for (const name of all.names()) expect(plans.filter((plan) => plan.has(name))).toHaveLength(1);
    }),
    { numRuns: 50 },
  );
});
