import type { EventData, OtherType } from './event-data.ts';
import { headerOf, onlyHeader } from './headers.ts';
import { verifyHexHmac } from './hex-hmac.ts';
import { type Json, notReceived, parseObject, type Receiver, type ReceiverOptions } from './receive.ts';
import { secretsOf } from './secrets.ts';
import type { SignedDelivery, Verification } from './verification.ts';

/** `header` is `X-Webhook-Signature`. */
export type GroupGmDelivery = SignedDelivery;

/**
 * Says whether a delivery came from whoever knows the secret, unchanged. `timestamp` in the body is the event's time,
 * the same on a retry half an hour later: it says nothing about the age of a request.
 * @throws TypeError when no secret is given, or an empty one
 */
export function verifyGroupGm(delivery: GroupGmDelivery): Verification {
  return verifyHexHmac(delivery);
}

interface GroupGmEnvelope<T, D> {
  /** `event` in the body. */
  readonly type: T;
  /** From `X-Webhook-Delivery-Id`, the same on every attempt; `null` from a sender that has none. */
  readonly deliveryId: string | null;
  /** When it happened, ISO 8601. */
  readonly timestamp: string;
  readonly data: D;
}

/** `switch (event.type)` narrows `data`. `Added` says it of an operator's own types: `{ 'invoice.paid': Invoice }`. */
export type GroupGmEvent<Added = object> = EventOf<EventData & Added> | GroupGmEnvelope<OtherType, Json>;

type EventOf<D> = { readonly [T in keyof D]: GroupGmEnvelope<T, D[T]> }[keyof D];

/**
 * Receives deliveries in 群組GM's format.
 * @throws TypeError when no secret is given, or an empty one
 */
export function groupGmReceiver<Added = object>(options: ReceiverOptions): Receiver<GroupGmEvent<Added>> {
  secretsOf(options);
  const { signatureHeader = 'X-Webhook-Signature' } = options;
  return {
    receive({ headers, body }) {
      const checked = verifyGroupGm({ ...options, body, header: headerOf(headers, signatureHeader) });
      if (!checked.valid) return checked;
      const { event: type, timestamp, data } = parseObject(body) ?? {};
      if (typeof type !== 'string' || typeof timestamp !== 'string' || data === undefined) {
        return notReceived('unreadable');
      }
      const deliveryId = onlyHeader(headers, 'X-Webhook-Delivery-Id');
      return { valid: true, event: { type, deliveryId, timestamp, data } as unknown as GroupGmEvent<Added> };
    },
  };
}
