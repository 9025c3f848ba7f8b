import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/setup.ts'],
    // Native sessions and sharp share the machine: two files at a time keep memory and timing sane.
    maxWorkers: 2,
    pool: 'forks',
    // Tests load onnxruntime on their own, too.
    env: { ORT_DISABLE_TELEMETRY: '1' },
    testTimeout: 120_000,
    hookTimeout: 180_000,
  },
});
