import { describe, expect, it } from 'vitest';
import { deliveryIdOf, isDeliveryId, isEventId, isTenantId, isWebhookId, newWebhookId } from './ids.ts';

const zeros = (n: number): Uint8Array => new Uint8Array(n);

describe('ids', () => {
  it('of webhooks sort by the time they were made', () => {
    const ids = [1, 1_000, 1_764_000_000_000, 1_764_000_000_001].map((now) => newWebhookId(now, zeros));
    expect(ids.every(isWebhookId)).toBe(true);
    expect(ids).toEqual(ids.toSorted());
  });

  it('ST-06 of deliveries follow from event and webhook alone', () => {
    const wh = newWebhookId(1, zeros);
    expect(deliveryIdOf('acme', 'e1', wh)).toBe(deliveryIdOf('acme', 'e1', wh));
    expect(isDeliveryId(deliveryIdOf('acme', 'e1', wh))).toBe(true);
    expect(deliveryIdOf('acme', 'e2', wh)).not.toBe(deliveryIdOf('acme', 'e1', wh));
    expect(deliveryIdOf('other', 'e1', wh)).not.toBe(deliveryIdOf('acme', 'e1', wh));
  });

  it('of tenants and events are safe in subjects and headers', () => {
    for (const bad of ['', 'a.b', 'a b', '*', '>', 'A', '-a', 'a'.repeat(65)]) expect(isTenantId(bad)).toBe(false);
    for (const bad of ['', 'a b', 'a\n', 'ż', 'x'.repeat(129)]) expect(isEventId(bad)).toBe(false);
    expect(isEventId('order:42~a.b_C-d')).toBe(true);
  });
});
