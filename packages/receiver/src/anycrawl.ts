import type { EventData, OtherType } from './event-data.ts';
import { toleranceOf, verifyIsoTime } from './freshness.ts';
import { headerOf, onlyHeader } from './headers.ts';
import { verifyHexHmac } from './hex-hmac.ts';
import { type Json, notReceived, parseBody, type Receiver, type TimedReceiverOptions } from './receive.ts';
import { secretsOf } from './secrets.ts';
import type { Freshness, HeaderValue, SignedDelivery, Verification } from './verification.ts';

/** `header` is `X-AnyCrawl-Signature`. */
export interface AnyCrawlDelivery extends SignedDelivery, Freshness {
  /**
   * `X-Webhook-Timestamp`, when its age is to be checked; a property that is there but undefined counts as missing.
   * The signature does not cover it: it finds delays and wrong clocks, not a forger.
   */
  readonly timestamp?: HeaderValue;
}

/**
 * Says whether a delivery came from whoever knows the secret, unchanged.
 *
 * @example
 * ```ts
 * const checked = verifyAnyCrawl({ body, header: request.headers['x-anycrawl-signature'], secret });
 * if (!checked.valid) return response.writeHead(401).end(checked.reason);
 * ```
 * @throws TypeError when no secret is given, or an empty one: everybody could sign with that
 */
export function verifyAnyCrawl(delivery: AnyCrawlDelivery): Verification {
  const signed = verifyHexHmac(delivery);
  if (!signed.valid || !('timestamp' in delivery)) return signed;
  return verifyIsoTime(delivery.timestamp, delivery);
}

interface AnyCrawlEnvelope<T, D> {
  /** From `X-Webhook-Event`. */
  readonly type: T;
  /** The same on every attempt and replay: what to deduplicate by. */
  readonly deliveryId: string;
  /** When this attempt was made, ISO 8601. */
  readonly timestamp: string;
  readonly data: D;
}

/** `switch (event.type)` narrows `data`. `Added` says it of an operator's own types: `{ 'invoice.paid': Invoice }`. */
export type AnyCrawlEvent<Added = object> = EventOf<EventData & Added> | AnyCrawlEnvelope<OtherType, Json>;

type EventOf<D> = { readonly [T in keyof D]: AnyCrawlEnvelope<T, D[T]> }[keyof D];

/**
 * Receives deliveries in AnyCrawl's format: the event's bare data, everything else in headers.
 * @throws TypeError when no secret is given, or an empty one
 */
export function anyCrawlReceiver<Added = object>(options: TimedReceiverOptions): Receiver<AnyCrawlEvent<Added>> {
  secretsOf(options);
  toleranceOf(options);
  const { signatureHeader = 'X-AnyCrawl-Signature' } = options;
  return {
    receive({ headers, body }) {
      const timestamp = headerOf(headers, 'X-Webhook-Timestamp');
      const checked = verifyAnyCrawl({ ...options, body, header: headerOf(headers, signatureHeader), timestamp });
      if (!checked.valid) return checked;
      const type = onlyHeader(headers, 'X-Webhook-Event');
      const deliveryId = onlyHeader(headers, 'X-Webhook-Delivery-Id');
      if (type === null || deliveryId === null) return notReceived('missing');
      const data = parseBody(body);
      if (data === undefined) return notReceived('unreadable');
      // Which data belongs to which type is the sender's promise.
      return { valid: true, event: { type, deliveryId, timestamp, data } as unknown as AnyCrawlEvent<Added> };
    },
  };
}
