import { writeFileSync } from 'node:fs';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';
import { readTestEnv } from './config.ts';
import { addCounts, NO_TESTS, type TestCounts } from './test-counts.ts';

/**
 * Writes how the run went into `TEST_COUNTS_FILE`, for `run-tests.ts`.
 * @public named on Vitest's command line
 */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const { countsFile } = readTestEnv();
    const counts = modules.map(countModule).reduce(addCounts, { ...NO_TESTS, failed: unhandled.length });
    if (countsFile !== undefined) writeFileSync(countsFile, JSON.stringify(counts));
  }
}

/** Counts single tests; a file that failed without a failed test (it could not be loaded, say) is one failure. */
function countModule(module: TestModule): TestCounts {
  const states = [...module.children.allTests()].map((test) => test.result().state);
  const passed = states.filter((state) => state === 'passed').length;
  const failed = states.filter((state) => state === 'failed').length;
  const unloaded = module.state() === 'failed' && failed === 0 ? 1 : 0;
  return { passed, failed: failed + unloaded, skipped: states.length - passed - failed };
}
