import type { KnownType, OtherType } from './event-data.ts';
import { toleranceOf, verifyIsoTime } from './freshness.ts';
import { headerOf, onlyHeader } from './headers.ts';
import { verifyHexHmac } from './hex-hmac.ts';
import { type Json, notReceived, parseBody, type Receiver, type TimedReceiverOptions } from './receive.ts';
import { secretsOf } from './secrets.ts';
import type { Freshness, HeaderValue, SignedDelivery, Verification } from './verification.ts';

/** `header` is `X-Webhook-Signature`. */
export interface TemplateDelivery extends SignedDelivery, Freshness {
  /**
   * `X-Webhook-Timestamp`, when its age is to be checked; a property that is there but undefined counts as missing.
   * The signature does not cover it: it finds delays and wrong clocks, not a forger.
   */
  readonly timestamp?: HeaderValue;
}

/**
 * Says whether a delivery came from whoever knows the secret, unchanged.
 * @throws TypeError when no secret is given, or an empty one
 */
export function verifyTemplate(delivery: TemplateDelivery): Verification {
  const signed = verifyHexHmac(delivery);
  if (!signed.valid || !('timestamp' in delivery)) return signed;
  return verifyIsoTime(delivery.timestamp, delivery);
}

interface TemplateEnvelope<T, D> {
  /** From the header `Webhook`, e.g. `ACTOR.RUN.SUCCEEDED`. */
  readonly type: T;
  /** From `Webhook-Dispatch-Id`, the same on every attempt and replay: what to deduplicate by. */
  readonly deliveryId: string;
  /** When this attempt was made, ISO 8601. */
  readonly timestamp: string;
  /** What the webhook's own payload template makes. */
  readonly data: D;
}

/** `D` says for each type of event what the webhook's template makes of it; `switch (event.type)` narrows `data` by it. */
export type TemplateEvent<D = Record<KnownType, Json>> =
  | { readonly [T in keyof D]: TemplateEnvelope<T, D[T]> }[keyof D]
  | TemplateEnvelope<OtherType, Json>;

/**
 * Receives deliveries whose body a template made. What it makes is given as a type:
 * `templateReceiver<{ 'ACTOR.RUN.SUCCEEDED': { files: string[] } }>({ secret })`.
 * @throws TypeError when no secret is given, or an empty one
 */
export function templateReceiver<D = Record<KnownType, Json>>(
  options: TimedReceiverOptions,
): Receiver<TemplateEvent<D>> {
  secretsOf(options);
  toleranceOf(options);
  const { signatureHeader = 'X-Webhook-Signature' } = options;
  return {
    receive({ headers, body }) {
      const timestamp = headerOf(headers, 'X-Webhook-Timestamp');
      const checked = verifyTemplate({ ...options, body, header: headerOf(headers, signatureHeader), timestamp });
      if (!checked.valid) return checked;
      const type = onlyHeader(headers, 'Webhook');
      const deliveryId = onlyHeader(headers, 'Webhook-Dispatch-Id');
      if (type === null || deliveryId === null) return notReceived('missing');
      const data = parseBody(body);
      if (data === undefined) return notReceived('unreadable');
      return { valid: true, event: { type, deliveryId, timestamp, data } as unknown as TemplateEvent<D> };
    },
  };
}
