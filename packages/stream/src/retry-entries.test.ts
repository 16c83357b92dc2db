import { encodeLaneEntry } from '@grapnel/contracts/retry-codec';
import { topology } from '@grapnel/contracts/topology';
import type { RetryEntry } from '@grapnel/domain/delivery/retry-entry';
import { systemClock } from '@grapnel/runtime/clock';
import { silentLogger } from '@grapnel/runtime/logger';
import { natsUrl, testPrefix } from '@grapnel/testkit/infra';
import { expect, it } from 'vitest';
import { openStreams } from './open.ts';
import { DEFAULT_PROVISION, provision } from './provision.ts';
import { entryFor } from './retry-entry.test-support.ts';

it('a message that was sent away, comes again and is tried gets an entry for its retry, and each entry once', async () => {
  const names = topology(testPrefix(), 1);
  const config = { servers: [natsUrl()], user: null, password: null, names };
  await using open = await openStreams(config, 'test', systemClock, silentLogger);
  await provision(open.connections.publishing, names, DEFAULT_PROVISION);
  const entry = (attempt: number, reason: RetryEntry['reason']): RetryEntry => ({
    ...entryFor(7, systemClock.now() + 30_000),
    turn: { round: 0, attempt },
    reason,
  });
  const store = (stored: RetryEntry) =>
    open.streams.publish(encodeLaneEntry(stored, 'delivery:7', systemClock.now(), 1, names));
  expect(await store(entry(1, 'over_cap'))).toMatchObject({ duplicate: false });
  expect(await store(entry(2, 'backoff'))).toMatchObject({ duplicate: false });
  expect(await store(entry(2, 'backoff'))).toMatchObject({ duplicate: true });
});
