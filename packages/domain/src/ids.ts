import { createHash } from 'node:crypto';

/** Ids carry their kind, so that one can't be handed in where another belongs. */
export type WebhookId = `wh_${string}`;
export type DeliveryId = `dlv_${string}`;
export type ReplayId = `rpl_${string}`;
export type ApiKeyId = `key_${string}`;
export type TriggerId = `trg_${string}`;
/** One run of a trigger's flow. */
export type ExecutionId = `exe_${string}`;
/** A producer's own id, or `evt_…` where it gave none. */
export type EventId = string & { readonly __eventId?: never };
export type TenantId = string & { readonly __tenantId?: never };

const WEBHOOK_ID = /^wh_[0-9a-z]{26}$/;
const DELIVERY_ID = /^dlv_[0-9a-z]{26}$/;
const REPLAY_ID = /^rpl_[0-9a-z]{26}$/;
const TRIGGER_ID = /^trg_[0-9a-z]{26}$/;
const EXECUTION_ID = /^exe_[0-9a-z]{26}$/;
const EVENT_ID = /^[A-Za-z0-9_\-.:~]{1,128}$/;
const TENANT_ID = /^[a-z0-9][a-z0-9_-]{0,63}$/;

export const isWebhookId = (text: string): text is WebhookId => WEBHOOK_ID.test(text);
export const isDeliveryId = (text: string): text is DeliveryId => DELIVERY_ID.test(text);
export const isReplayId = (text: string): text is ReplayId => REPLAY_ID.test(text);
export const isTriggerId = (text: string): text is TriggerId => TRIGGER_ID.test(text);
export const isExecutionId = (text: string): text is ExecutionId => EXECUTION_ID.test(text);
export const isEventId = (text: string): text is EventId => EVENT_ID.test(text);
/** A tenant id is one token of a subject: no dots, stars or spaces. */
export const isTenantId = (text: string): text is TenantId => TENANT_ID.test(text);

/**
 * Stands where a tenant would, for what belongs to the deployment. No tenant can have this name: it is not a
 * {@link isTenantId tenant id}.
 */
export const DEPLOYMENT: TenantId = '_';

// Crockford's base 32 in lower case: no i, l, o, u.
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** 26 characters of base 32 from 130 bits: the first 17 of `bytes`. */
function base32(bytes: Uint8Array): string {
  let text = '';
  let buffer = 0;
  let bits = 0;
  for (const byte of bytes) {
    buffer = ((buffer << 8) | byte) & 0xffff;
    bits += 8;
    while (bits >= 5 && text.length < 26) {
      bits -= 5;
      text += ALPHABET[(buffer >>> bits) & 31];
    }
  }
  return text;
}

/** 48 bits of time and 80 of `entropy` (≥ 11 bytes): sorts by time like a ULID. */
function timed(now: number, entropy: Uint8Array): string {
  const bytes = new Uint8Array(17);
  for (let i = 0, rest = now; i < 6; i++, rest = Math.floor(rest / 256)) bytes[5 - i] = rest % 256;
  bytes.set(entropy.subarray(0, 11), 6);
  return base32(bytes);
}

/** Where ids get their randomness; a port, so that simulations repeat. */
export type Entropy = (bytes: number) => Uint8Array;

export const newWebhookId = (now: number, entropy: Entropy): WebhookId => `wh_${timed(now, entropy(11))}`;
export const newTriggerId = (now: number, entropy: Entropy): TriggerId => `trg_${timed(now, entropy(11))}`;
export const newExecutionId = (now: number, entropy: Entropy): ExecutionId => `exe_${timed(now, entropy(11))}`;
/** Derived from the key's hash: the same key is the same aggregate. `hash` is hex of 32 bytes. */
export const apiKeyIdOf = (hash: string): ApiKeyId => `key_${base32(Buffer.from(hash, 'hex'))}`;
export const newReplayId = (now: number, entropy: Entropy): ReplayId => `rpl_${timed(now, entropy(11))}`;
export const newEventId = (now: number, entropy: Entropy): EventId => `evt_${timed(now, entropy(11))}`;

/** Deterministic: attaching the same URL to the same job again makes no second webhook. */
export function jobWebhookIdOf(tenant: TenantId, jobId: string, url: string): WebhookId {
  return `wh_${base32(createHash('sha256').update(`${tenant}\n${jobId}\n${url}`).digest())}`;
}

/** Deterministic: fanning the same event out again makes the same deliveries, not new ones. */
export function deliveryIdOf(tenant: TenantId, eventId: EventId, webhookId: WebhookId): DeliveryId {
  return `dlv_${base32(createHash('sha256').update(`${tenant}\n${eventId}\n${webhookId}`).digest())}`;
}
