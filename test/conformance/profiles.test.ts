// What each profile sends is accepted by what a customer installs: ours, and the official library of Standard Webhooks.
import { generateKeyPairSync } from 'node:crypto';
import { CATALOGUE } from '@grapnel/domain/catalogue';
import { newStandardSecret, publicKeyOf, standardSignature } from '@grapnel/domain/security/standard-webhooks';
import { anyCrawlReceiver } from '@grapnel/receiver/anycrawl';
import type { EventData } from '@grapnel/receiver/event-data';
import { firecrawlReceiver } from '@grapnel/receiver/firecrawl';
import { groupGmReceiver } from '@grapnel/receiver/groupgm';
import type { Receiver } from '@grapnel/receiver/receive';
import { standardReceiver } from '@grapnel/receiver/standard';
import { templateReceiver } from '@grapnel/receiver/template';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { AWKWARD, MESSAGE_RECEIVED, PAGE, SCRAPE_COMPLETED } from './payloads.ts';
import { DELIVERY_ID, type Order, signedRequest } from './signed-request.ts';

const entropy = (fill: number) => (bytes: number) => new Uint8Array(bytes).fill(fill);
const HEX = { newer: 'ab'.repeat(32), older: 'cd'.repeat(32) };
const STANDARD = { newer: newStandardSecret('v1', entropy(1)), older: newStandardSecret('v1', entropy(2)) };

interface Wire {
  readonly order: Omit<Order, 'secrets'>;
  readonly keys: { readonly newer: string; readonly older: string };
  readonly receiver: (secret: string) => Receiver<object>;
  readonly event: object;
}

const ACTOR_RUN = {
  eventData: { prodect_id: '3' },
  resource: { taskId: '2e9d', url: '{"spider_id":"3"}', audioUrl: '' },
};

const WIRES: [name: string, wire: Wire][] = [
  [
    'AC-14 anycrawl',
    {
      order: { profile: 'anycrawl', type: 'scrape.completed', data: SCRAPE_COMPLETED },
      keys: HEX,
      receiver: (secret) => anyCrawlReceiver({ secret }),
      event: { type: 'scrape.completed', deliveryId: DELIVERY_ID, data: SCRAPE_COMPLETED },
    },
  ],
  [
    'FC-01 FC-07 firecrawl',
    {
      order: { profile: 'firecrawl', type: 'crawl.page', data: PAGE, config: { metadata: { user: '1' } } },
      keys: HEX,
      receiver: (secret) => firecrawlReceiver({ secret }),
      event: { success: true, type: 'crawl.page', id: 'job-1', data: [PAGE], metadata: { user: '1' } },
    },
  ],
  [
    'GG-02 GG-04 groupgm',
    {
      order: { profile: 'groupgm', type: 'message.received', data: MESSAGE_RECEIVED },
      keys: HEX,
      receiver: (secret) => groupGmReceiver({ secret }),
      event: { type: 'message.received', timestamp: '2025-01-15T08:30:00Z', data: MESSAGE_RECEIVED },
    },
  ],
  [
    'TH-08 TH-10 template',
    {
      order: {
        profile: 'template',
        type: 'ACTOR.RUN.SUCCEEDED',
        data: ACTOR_RUN,
        config: { payloadTemplate: '{"kind":"{{eventType}}","task":"{{resource.taskId}}"}' },
      },
      keys: HEX,
      receiver: (secret) => templateReceiver({ secret }),
      event: {
        type: 'ACTOR.RUN.SUCCEEDED',
        deliveryId: DELIVERY_ID,
        data: { kind: 'ACTOR.RUN.SUCCEEDED', task: '2e9d' },
      },
    },
  ],
  [
    'ST-01 standard',
    {
      order: { profile: 'standard', type: 'crawl.page', data: PAGE },
      keys: STANDARD,
      receiver: (secret) => standardReceiver({ secret }),
      event: { type: 'crawl.page', id: DELIVERY_ID, timestamp: '2025-01-15T08:30:00.000Z', data: PAGE },
    },
  ],
  [
    'ST-08 standard with CloudEvents',
    {
      order: { profile: 'standard', type: 'crawl.page', data: PAGE, config: { bodyFormat: 'cloudevents' } },
      keys: STANDARD,
      receiver: (secret) => standardReceiver({ secret }),
      event: { type: 'crawl.page', id: DELIVERY_ID, data: PAGE, cloudEvent: { id: 'evt_1' } },
    },
  ],
];

describe.each(WIRES)('%s', (_name, { order, keys, receiver, event }) => {
  it('is received as it was meant', () => {
    const request = signedRequest({ ...order, secrets: [keys.newer] });
    expect(receiver(keys.newer).receive(request)).toMatchObject({ valid: true, event });
  });

  it('ST-04 is refused when a byte differs', () => {
    const request = signedRequest({ ...order, secrets: [keys.newer] });
    const changed = { ...request, body: `${request.body}\n` };
    expect(receiver(keys.newer).receive(changed)).toEqual({ valid: false, reason: 'mismatch' });
  });

  it('ST-04 is received in Python’s encoding', () => {
    const data = { ...(order.data as object), text: AWKWARD.text };
    const config = { ...order.config, bodyEncoding: 'python_json' as const };
    const request = signedRequest({ ...order, data, config, secrets: [keys.newer] });
    expect(request.body).toMatch(/^[\u0020-\u007e]+$/);
    expect(receiver(keys.newer).receive(request).valid).toBe(true);
  });

  it('ST-02 is received with the new secret while both are in force', () => {
    const request = signedRequest({ ...order, secrets: [keys.newer, keys.older] });
    expect(receiver(keys.newer).receive(request).valid).toBe(true);
    // Only Standard Webhooks has room for both signatures.
    expect(receiver(keys.older).receive(request).valid).toBe(order.profile === 'standard');
  });
});

describe('ST-01 the official library of Standard Webhooks', () => {
  const order = { profile: 'standard', type: 'crawl.page' } as const;
  const verified = (secret: string, request: { body: string; headers: Readonly<Record<string, string>> }): unknown =>
    new Webhook(secret).verify(request.body, { ...request.headers });

  it('ST-01 ST-02 accepts our deliveries under either secret', () => {
    for (const data of [PAGE, AWKWARD, null]) {
      const request = signedRequest({ ...order, data, secrets: [STANDARD.newer, STANDARD.older] });
      for (const secret of [STANDARD.newer, STANDARD.older]) {
        expect(verified(secret, request)).toMatchObject({ type: 'crawl.page', data });
      }
      expect(() => verified(newStandardSecret('v1', entropy(3)), request)).toThrow('No matching signature found');
    }
  });

  it('ST-01 ST-08 accepts our CloudEvents', () => {
    const config = { bodyFormat: 'cloudevents' } as const;
    const request = signedRequest({ ...order, data: PAGE, config, secrets: [STANDARD.newer] });
    expect(verified(STANDARD.newer, request)).toMatchObject({ specversion: '1.0', data: PAGE });
  });

  it('ST-01 accepts a delivery that carries both versions of signature', () => {
    const secrets = [newStandardSecret('v1a', entropy(4)), STANDARD.newer];
    const request = signedRequest({ ...order, data: PAGE, secrets });
    expect(verified(STANDARD.newer, request)).toMatchObject({ data: PAGE });
  });

  it('ST-01 and we sign the example of the specification alike', () => {
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    const [id, seconds, body] = ['msg_p5jXN8AQM9LWM0D4loKWxJek', 1_614_265_330, '{"test": 2432232314}'] as const;
    const expected = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=';
    expect(standardSignature(secret, id, seconds, Buffer.from(body))).toBe(expected);
    expect(new Webhook(secret).sign(id, new Date(seconds * 1_000), body)).toBe(expected);
  });
});

describe('ST-01 asymmetric signatures', () => {
  const secret = newStandardSecret('v1a', entropy(5));
  const request = signedRequest({ profile: 'standard', type: 'crawl.page', data: PAGE, secrets: [secret] });

  it('ST-01 are accepted with the public key alone', () => {
    const receiver = standardReceiver({ secret: publicKeyOf(secret) ?? '' });
    expect(receiver.receive(request)).toMatchObject({ valid: true, event: { type: 'crawl.page' } });
  });

  it('ST-01 are refused under another public key', () => {
    const { publicKey } = generateKeyPairSync('ed25519');
    const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
    const receiver = standardReceiver({ secret: `whpk_${raw.toString('base64')}` });
    expect(receiver.receive(request)).toEqual({ valid: false, reason: 'mismatch' });
  });
});

describe('the types of @grapnel/receiver', () => {
  it('AC-09 know every event of the catalogue', () => {
    expect(Object.keys(KNOWN).toSorted()).toEqual(CATALOGUE.map(({ name }) => name).toSorted());
  });
});

// The compiler refuses this list when it differs from the package's, the test when it differs from the catalogue.
const KNOWN: Record<keyof EventData, true> = {
  'scrape.created': true,
  'scrape.started': true,
  'scrape.completed': true,
  'scrape.failed': true,
  'scrape.cancelled': true,
  'crawl.created': true,
  'crawl.started': true,
  'crawl.page': true,
  'crawl.completed': true,
  'crawl.failed': true,
  'crawl.cancelled': true,
  'search.created': true,
  'search.started': true,
  'search.completed': true,
  'search.failed': true,
  'map.created': true,
  'map.started': true,
  'map.completed': true,
  'map.failed': true,
  'task.executed': true,
  'task.failed': true,
  'task.paused': true,
  'task.resumed': true,
  'batch_scrape.started': true,
  'batch_scrape.page': true,
  'batch_scrape.completed': true,
  'extract.started': true,
  'extract.completed': true,
  'extract.failed': true,
  'ACTOR.RUN.RUNNING': true,
  'ACTOR.RUN.SUCCEEDED': true,
  'ACTOR.RUN.FAILED': true,
  'message.received': true,
  'member.joined': true,
  'member.left': true,
  'file.uploaded': true,
  'trigger.received': true,
  'webhook.test': true,
  'webhook.failing': true,
  'webhook.auto_disabled': true,
  'delivery.exhausted': true,
  'message.expired': true,
  'replay.finished': true,
};
