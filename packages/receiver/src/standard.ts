import type { EventData, OtherType } from './event-data.ts';
import { toleranceOf, verifyTime } from './freshness.ts';
import { headerOf } from './headers.ts';
import { type Json, notReceived, parseObject, type Receiver, type TimedReceiverOptions } from './receive.ts';
import { type VerificationKey, verificationKeysOf } from './standard-keys.ts';
import {
  type Freshness,
  type HeaderValue,
  type Refusal,
  refused,
  type SignedDelivery,
  type Verification,
} from './verification.ts';

/** `header` is `webhook-signature`; secrets are `whsec_…` for `v1,` and `whpk_…` for `v1a,`. */
export interface StandardDelivery extends SignedDelivery, Freshness {
  /** `webhook-id`. */
  readonly id: HeaderValue;
  /** `webhook-timestamp`, seconds since the epoch. */
  readonly timestamp: HeaderValue;
}

/**
 * Says whether a delivery came from whoever knows the secret or the private key, unchanged and just now
 * (Standard Webhooks 1.0). One signature that fits one of the secrets is enough.
 * @throws TypeError when no secret is given, or one is neither `whsec_…` nor `whpk_…`
 */
export function verifyStandard(delivery: StandardDelivery): Verification {
  return verifyWith(verificationKeysOf(delivery), delivery);
}

// A rotation has two, and a header is a few kilobytes at most: more are not a sender's.
const MAX_SIGNATURES = 16;
const SIGNATURE = /^(v\d{1,3}[a-z]?),([A-Za-z0-9+/]{1,256}={0,2})$/;

function verifyWith(
  keys: readonly VerificationKey[],
  delivery: Omit<StandardDelivery, 'secret' | 'secrets'>,
): Verification {
  const headers = readHeaders(delivery);
  if (typeof headers === 'string') return refused(headers);
  const { id, timestamp, signatures } = headers;
  const body = typeof delivery.body === 'string' ? Buffer.from(delivery.body) : delivery.body;
  const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
  let valid = false;
  for (const key of keys) {
    const ofVersion = signatures.filter(({ version }) => version === key.version).map(({ bytes }) => bytes);
    if (key.fits(signed, ofVersion)) valid = true;
  }
  return valid ? verifyTime(Number(timestamp) * 1_000, delivery) : refused('mismatch');
}

interface StandardHeaders {
  readonly id: string;
  readonly timestamp: string;
  readonly signatures: readonly { readonly version: string; readonly bytes: Uint8Array }[];
}

function readHeaders({
  id,
  timestamp,
  header,
}: Pick<StandardDelivery, 'id' | 'timestamp' | 'header'>): StandardHeaders | Refusal {
  if (!id || !timestamp || !header) return 'missing';
  if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof header !== 'string') return 'malformed';
  const written = header.split(' ').filter((part) => part !== '');
  if (!/^\d{1,12}$/.test(timestamp) || written.length > MAX_SIGNATURES) return 'malformed';
  const signatures = written.flatMap((part) => {
    const [, version, base64] = SIGNATURE.exec(part) ?? [];
    return version === undefined || base64 === undefined ? [] : [{ version, bytes: Buffer.from(base64, 'base64') }];
  });
  // What is written in a way not known here may be a later version's; what counts is that something is known.
  return signatures.length === 0 ? 'malformed' : { id, timestamp, signatures };
}

interface StandardEnvelope<T, D> {
  readonly type: T;
  /** `webhook-id`, the same on every attempt and replay: what to deduplicate by. */
  readonly id: string;
  /** When it happened, ISO 8601. */
  readonly timestamp: string;
  readonly data: D;
  /** Present when the webhook asks for CloudEvents. */
  readonly cloudEvent?: CloudEventAttributes;
}

/** The rest of a CloudEvent 1.0. */
export interface CloudEventAttributes {
  /** The event's own: the same for every webhook that gets it. */
  readonly id: string;
  readonly source: string;
  readonly subject?: string;
}

/** `switch (event.type)` narrows `data`. `Added` says it of an operator's own types: `{ 'invoice.paid': Invoice }`. */
export type StandardEvent<Added = object> = EventOf<EventData & Added> | StandardEnvelope<OtherType, Json>;

type EventOf<D> = { readonly [T in keyof D]: StandardEnvelope<T, D[T]> }[keyof D];

/**
 * Receives deliveries of Standard Webhooks, with `{"type","timestamp","data"}` or a CloudEvent as body.
 * @throws TypeError when no secret is given, or one is neither `whsec_…` nor `whpk_…`
 */
export function standardReceiver<Added = object>(options: TimedReceiverOptions): Receiver<StandardEvent<Added>> {
  const keys = verificationKeysOf(options);
  toleranceOf(options);
  const { signatureHeader = 'webhook-signature' } = options;
  return {
    receive({ headers, body }) {
      const id = headerOf(headers, 'webhook-id');
      const timestamp = headerOf(headers, 'webhook-timestamp');
      const checked = verifyWith(keys, { ...options, body, id, timestamp, header: headerOf(headers, signatureHeader) });
      if (!checked.valid) return checked;
      const content = readEnvelope(body);
      if (content === null) return notReceived('unreadable');
      return { valid: true, event: { id, ...content } as unknown as StandardEvent<Added> };
    },
  };
}

function readEnvelope(body: Uint8Array | string): object | null {
  const envelope = parseObject(body);
  if (envelope === undefined) return null;
  const { type, data, specversion, id, source, subject } = envelope;
  const timestamp = specversion === undefined ? envelope['timestamp'] : envelope['time'];
  if (typeof type !== 'string' || typeof timestamp !== 'string' || data === undefined) return null;
  if (specversion === undefined) return { type, timestamp, data };
  const attributes = { id, source, ...(subject === undefined ? {} : { subject }) };
  return { type, timestamp, data, cloudEvent: attributes };
}
