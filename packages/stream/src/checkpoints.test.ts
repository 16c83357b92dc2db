import { topology } from '@grapnel/contracts/topology';
import { systemClock } from '@grapnel/runtime/clock';
import { silentLogger } from '@grapnel/runtime/logger';
import { natsUrl, testPrefix } from '@grapnel/testkit/infra';
import { expect, it } from 'vitest';
import { openCheckpoints } from './checkpoints.ts';
import { openStreams } from './open.ts';
import { DEFAULT_PROVISION, provision } from './provision.ts';

it('lets one of two replicas save a checkpoint, and tells the other', async () => {
  const names = topology(testPrefix(), 1);
  await using open = await openStreams(
    { servers: [natsUrl()], user: null, password: null, names },
    'test',
    systemClock,
    silentLogger,
  );
  await provision(open.connections.publishing, names, DEFAULT_PROVISION);
  const checkpoints = await openCheckpoints(open.connections.publishing, names.buckets.checkpoints);
  expect(await checkpoints.load('health')).toBeNull();
  const first = await checkpoints.save('health', 5, 0);
  expect(first).not.toBeNull();
  expect(await checkpoints.save('health', 6, 0)).toBeNull();
  expect(await checkpoints.load('health')).toEqual({ value: 5, revision: first });
  expect(await checkpoints.save('health', 7, first ?? 0)).not.toBeNull();
  expect(await checkpoints.save('health', 8, first ?? 0)).toBeNull();
  expect(await checkpoints.load('health')).toMatchObject({ value: 7 });
});
