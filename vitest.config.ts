import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [
      'packages/*/src/**/*.test.ts',
      'services/*/src/**/*.test.ts',
      'test/{e2e,chaos,conformance}/**/*.test.ts',
    ],
    globalSetup: ['packages/testkit/src/servers.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    teardownTimeout: 30_000,
    // A machine that stands still for seconds makes a test late once, not twice; the report says which needed it.
    retry: 1,
    passWithNoTests: false,
    reporters: ['default'],
  },
});
