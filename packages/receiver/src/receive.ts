import type { HeaderSource } from './headers.ts';
import type { Freshness, Refusal, Secrets } from './verification.ts';

/** A request as it arrived. */
export interface IncomingDelivery {
  readonly headers: HeaderSource;
  /** The raw body, before any parsing. */
  readonly body: Uint8Array | string;
}

/** Why there is no event. */
export type ReceiveRefusal =
  | Refusal
  /** It is signed as it should be, but its body is not what this format sends: look at the webhook's profile. */
  | 'unreadable';

export type Received<E> =
  | { readonly valid: true; readonly event: E }
  | { readonly valid: false; readonly reason: ReceiveRefusal };

/** Turns requests of one wire format into events that can be trusted. */
export interface Receiver<E> {
  /** Verifies, then reads. Never throws for what a sender may have sent. */
  receive(delivery: IncomingDelivery): Received<E>;
}

export interface ReceiverOptions extends Secrets {
  /** When the sender signs under a header of its own brand; default: the format's. */
  readonly signatureHeader?: string;
}

/** For formats that say when a request was sent. */
export interface TimedReceiverOptions extends ReceiverOptions, Freshness {}

/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** The body as JSON; `undefined` when it is none. */
export function parseBody(body: Uint8Array | string): Json | undefined {
  try {
    return JSON.parse(typeof body === 'string' ? body : decoder.decode(body)) as Json;
  } catch {
    return undefined;
  }
}

/** The body as a JSON object; `undefined` when it is something else. */
export function parseObject(body: Uint8Array | string): JsonObject | undefined {
  const value = parseBody(body);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
}

export const notReceived = (reason: ReceiveRefusal): { valid: false; reason: ReceiveRefusal } => ({
  valid: false,
  reason,
});
