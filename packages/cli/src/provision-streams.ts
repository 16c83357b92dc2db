import { type Clock, systemClock } from '@grapnel/runtime/clock';
import { silentLogger } from '@grapnel/runtime/logger';
import type { StreamConfig } from '@grapnel/stream/config';
import { openConnections } from '@grapnel/stream/connections';
import { type ProvisionOptions, provision, serverProblem } from '@grapnel/stream/provision';
import { CommandError } from './command-error.ts';

const CONNECT_WITHIN_MS = 15_000;

/** Connects to NATS and makes every stream, consumer and bucket, or brings them in line. */
export async function provisionStreams(
  config: StreamConfig,
  options: ProvisionOptions,
  clock: Clock = systemClock,
): Promise<void> {
  const { servers, user, password } = config;
  const login = user === null ? {} : { user, pass: password ?? '' };
  const connecting = openConnections({ servers, name: 'grapnel-provision', ...login }, silentLogger);
  const patience = new AbortController();
  const late = clock.sleep(CONNECT_WITHIN_MS, patience.signal).then(() => {
    throw new CommandError(
      `NATS at ${servers.map(withoutCredentials).join(', ')} did not answer within ${CONNECT_WITHIN_MS / 1_000} s.`,
    );
  });
  late.catch(() => undefined);
  const connections = await Promise.race([connecting, late]);
  patience.abort();
  await using _ = connections;
  const problem = serverProblem(connections.publishing);
  if (problem !== null) throw new CommandError(problem);
  await provision(connections.publishing, config.names, options);
}

/** An address that may be shown. */
export function withoutCredentials(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//');
}
