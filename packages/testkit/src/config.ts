import { SetupError } from '@grapnel/embedded/setup-error';

/** What the test runs read from the environment. */
export interface TestEnv {
  /** `TEST_INFRA`: real binaries on this machine (default), or containers. */
  readonly infra: 'embedded' | 'containers';
  /** `TEST_NATS=2.9` runs on the oldest supported nats-server. */
  readonly nats: 'newest' | '2.9';
  /** `ALLOW_SKIPS=1`: skipped tests do not fail the run. */
  readonly allowSkips: boolean;
  /** `TEST_COUNTS_FILE`: where the count reporter writes; set by `run-tests.ts`. */
  readonly countsFile: string | undefined;
}

export function readTestEnv(env: NodeJS.ProcessEnv = process.env): TestEnv {
  return {
    infra: oneOf('TEST_INFRA', env['TEST_INFRA'], ['embedded', 'containers']),
    nats: oneOf('TEST_NATS', env['TEST_NATS'], ['newest', '2.9']),
    allowSkips: oneOf('ALLOW_SKIPS', env['ALLOW_SKIPS'], ['0', '1']) === '1',
    countsFile: env['TEST_COUNTS_FILE'],
  };
}

/** The environment for a child of the runners. */
export function childEnv(extra: Record<string, string>): NodeJS.ProcessEnv {
  return { ...process.env, ...extra };
}

function oneOf<T extends string>(name: string, value: string | undefined, allowed: readonly [T, ...T[]]): T {
  if (value === undefined || value === '') return allowed[0];
  const known = allowed.find((candidate) => candidate === value);
  if (known === undefined) throw new SetupError(`${name} is "${value}"; it may be ${allowed.join(' or ')}`);
  return known;
}
