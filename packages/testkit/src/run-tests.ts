// What `npm test` runs: makes the server binaries available, runs Vitest, and ends with a line of counts.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findNatsServer } from '@grapnel/embedded/nats-binary';
import { projectCacheDir } from '@grapnel/embedded/project-cache';
import { SetupError } from '@grapnel/embedded/setup-error';
import { childEnv, readTestEnv, type TestEnv } from './config.ts';
import { repositoryRoot } from './repository.ts';
import { runProgram } from './run-program.ts';
import { addCounts, formatCounts, NO_TESTS, type TestCounts } from './test-counts.ts';

/** One run of Vitest. */
interface Lane {
  readonly name: string;
  readonly nats: 'newest' | '2.9';
  readonly args: readonly string[];
}

async function main(args: readonly string[]): Promise<number> {
  const env = readTestEnv();
  let total = NO_TESTS;
  for (const lane of lanes(args, env)) {
    if (env.infra === 'embedded') {
      await findNatsServer({ cacheDir: projectCacheDir, version: lane.nats, onProgress: say });
    }
    say(lane.name);
    total = addCounts(total, await runLane(lane));
  }
  const ran = total.passed + total.failed > 0;
  const skipsFail = total.skipped > 0 && !env.allowSkips;
  if (!ran) say('no test ran, which is a failure');
  if (skipsFail) say('skipped tests are a failure (ALLOW_SKIPS=1 lets them be)');
  console.log(`\n${formatCounts(total)}`);
  return ran && total.failed === 0 && !skipsFail ? 0 : 1;
}

/** With arguments: just these. Without: everything, and then the stream package on the oldest supported server. */
function* lanes(args: readonly string[], { infra, nats }: TestEnv): Generator<Lane> {
  yield { name: `tests (${infra}, nats-server ${nats})`, nats, args };
  if (args.length > 0 || infra === 'containers' || nats === '2.9') return;
  const oldest: Lane = { name: 'the stream package on nats-server 2.9', nats: '2.9', args: ['packages/stream'] };
  // Its package is Debian's; elsewhere NATS_SERVER_29_BIN with TEST_NATS=2.9 runs the lane by hand.
  if (process.platform === 'linux') yield oldest;
  else say(`left out on ${process.platform}: ${oldest.name}`);
}

async function runLane(lane: Lane): Promise<TestCounts> {
  const folder = mkdtempSync(join(tmpdir(), 'grapnel-counts-'));
  const countsFile = join(folder, 'counts.json');
  try {
    const vitest = join(repositoryRoot, 'node_modules/vitest/vitest.mjs');
    const reporters = ['--reporter=default', `--reporter=${join(import.meta.dirname, 'count-reporter.ts')}`];
    const status = await runProgram(process.execPath, [vitest, 'run', ...reporters, ...lane.args], {
      cwd: repositoryRoot,
      env: childEnv({ TEST_NATS: lane.nats, TEST_COUNTS_FILE: countsFile }),
    });
    const counts = existsSync(countsFile) ? (JSON.parse(readFileSync(countsFile, 'utf8')) as TestCounts) : NO_TESTS;
    // A run that broke off (in its set-up, say) fails although no counted test did.
    return status !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function say(message: string): void {
  console.error(`[tests] ${message}`);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  console.log('\n0 passed, 1 failed');
  process.exitCode = 1;
}
