// What `npm run conformance` runs: prints every promised behaviour with the tests that prove it; fails while one has none.
import { spawnSync } from 'node:child_process';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isComplete, type NamedTest, proofsIn, tableOf } from './proofs.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Read from the source by the test runner's own parser: nothing is run, and no server is needed. */
function listTests(): NamedTest[] {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const listed = spawnSync(process.execPath, [vitest, 'list', '--static-parse', '--json'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1_048_576,
  });
  if (listed.status !== 0) throw new Error(`vitest list: ${listed.stderr || String(listed.error)}`);
  const tests = JSON.parse(listed.stdout) as NamedTest[];
  return tests.map(({ name, file }) => ({ name, file: relative(root, file) }));
}

const proofs = proofsIn(listTests());
console.log(tableOf(proofs));
process.exitCode = isComplete(proofs) ? 0 : 1;
