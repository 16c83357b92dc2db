import { encodeRecorded } from '@grapnel/contracts/aggregate-codec';
import type { TenantId, WebhookId } from '@grapnel/domain/ids';
import type { WebhookState } from '@grapnel/domain/webhook/webhook';
import { expect, it } from 'vitest';
import { Replicas } from './testing/replicas.ts';

const TENANT: TenantId = 'acme';
const ID: WebhookId = 'wh_00000000000000000000000001';

it('a directory passes over what is no aggregate, and goes on with what comes after', async () => {
  await using replicas = await Replicas.start();
  const { streams, names } = replicas;
  const { directory } = await replicas.join();
  const bodies = ['', 'null', '{}', '{"event":{},"state":null}', '{"event":{},"state":{"kind":"present"}}'];
  for (const [n, body] of bodies.entries()) {
    for (const kind of ['key', 'webhook', 'trigger'] as const) {
      const subject = names.subjects.aggregate(TENANT, kind, `x${n}`);
      await streams.publish({ subject, body: Buffer.from(body), headers: {} });
    }
  }
  const state: WebhookState = { kind: 'deleted', id: ID, tenant: TENANT, at: 5, purged: true };
  const webhook = { tenant: TENANT, kind: 'webhook', id: ID } as const;
  await streams.publish(encodeRecorded(webhook, { event: { type: 'purged', at: 5 }, state }, 0, names));
  await directory.caughtUp();
  expect(directory.find(ID).state).toEqual(state);
  // Only what has a state at all.
  expect(
    directory
      .records('trigger')
      .of(TENANT)
      .map(({ id }) => id),
  ).toEqual(['x4']);
  const { directory: late } = await replicas.join();
  expect(late.find(ID).state).toEqual(state);
});
