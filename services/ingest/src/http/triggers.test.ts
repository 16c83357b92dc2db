import { newTriggerId } from '@grapnel/domain/ids';
import type { Step } from '@grapnel/domain/trigger/steps';
import { TRIGGER_DEFAULTS, type Trigger, type TriggerChanges } from '@grapnel/domain/trigger/trigger';
import { freePort } from '@grapnel/embedded/free-port';
import { StoreUnavailable } from '@grapnel/stream/ports';
import { describe, expect, it } from 'vitest';
import { startIngest, TENANT } from '../ingest-fixture.ts';
import type { EventStore } from '../ports.ts';

function trigger(changes: TriggerChanges = {}): Trigger {
  const id = newTriggerId(1, () => Buffer.alloc(11, 7));
  const config = { name: 'orders', ...TRIGGER_DEFAULTS, ...changes };
  return { id, tenant: TENANT, token: 'T'.repeat(43), enabled: true, config, createdAt: 1, updatedAt: 1 };
}

const call = (http: string): Promise<Response> =>
  fetch(`${http}/triggers/${'T'.repeat(43)}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"n":1}',
  });

describe('a call to a trigger', () => {
  it('NB-07 is answered after its event is stored, never before', async () => {
    const arrived = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const aroundStore = (store: EventStore): EventStore => ({
      problem: () => store.problem(),
      async publish(message) {
        const stored = await store.publish(message);
        arrived.resolve();
        await release.promise;
        return stored;
      },
    });
    await using ingest = await startIngest({ overrides: { aroundStore }, triggers: [trigger()] });
    let answered = false;
    const answer = call(ingest.http).then((response) => {
      answered = true;
      return response;
    });
    await arrived.promise;
    // Anything else is answered meanwhile.
    expect((await fetch(`${ingest.http}/healthz`)).status).toBe(200);
    expect([answered, await ingest.stored()]).toEqual([false, 1]);
    release.resolve();
    expect((await answer).status).toBe(200);
  });

  it('NB-07 is answered 503 when the store did not confirm', async () => {
    const aroundStore = (store: EventStore): EventStore => ({
      problem: () => store.problem(),
      publish: () => Promise.reject(new StoreUnavailable('no answer')),
    });
    await using ingest = await startIngest({ overrides: { aroundStore }, triggers: [trigger()] });
    const answer = await call(ingest.http);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
  });

  it('NB-08 is answered 500 when nobody is there to make a request of its flow', async () => {
    const step: Step = {
      ...{ kind: 'call_out', label: null, method: 'POST', url: 'https://example.com/', headers: {}, body: null },
      ...{ timeoutSeconds: 5, onFailure: 'fail' },
    };
    const env = { DELIVERY_GRPC: `127.0.0.1:${await freePort()}` };
    await using ingest = await startIngest({ env, triggers: [trigger({ mode: 'synchronous', steps: [step] })] });
    const answer = await call(ingest.http);
    expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([500, 'The flow failed']);
  });
});
