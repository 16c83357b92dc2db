import type { Delivery } from '@grapnel/domain/delivery/delivery';
import { HOPS_HEADER } from '@grapnel/domain/trigger/hops';
import { type Endpoint, secretsAt } from '../endpoint/endpoint.ts';

/** Of every request that leaves, unless its webhook says otherwise. */
export const USER_AGENT = 'Grapnel/0.1';

/**
 * The headers of one attempt: the webhook's own, then the system's, which always win, in whatever case of letters the
 * webhook wrote them (AC-14).
 */
export function requestHeaders(
  endpoint: Endpoint,
  delivery: Delivery,
  body: Uint8Array,
  now: number,
  traceparent: string | null,
): Record<string, string> {
  const { profile, signatureHeader } = endpoint;
  const system = profile.headers({ delivery, body, secrets: secretsAt(endpoint, now), now, signatureHeader });
  if (traceparent !== null) system['traceparent'] = traceparent;
  if (delivery.hops !== undefined) system[HOPS_HEADER] = String(delivery.hops);
  return Object.assign(ownHeaders(endpoint, delivery, system), system);
}

/** The webhook's and the delivery's own, without those that are the system's. */
function ownHeaders(
  endpoint: Endpoint,
  delivery: Delivery,
  system: Readonly<Record<string, string>>,
): Record<string, string> {
  if (endpoint.hasOwnHeaders || delivery.headers !== undefined) {
    return permitted({ ...endpoint.headers, ...delivery.headers }, system);
  }
  return { 'User-Agent': USER_AGENT };
}

function permitted(own: Readonly<Record<string, string>>, system: Readonly<Record<string, string>>) {
  const reserved = new Set(Object.keys(system).map((name) => name.toLowerCase()));
  const headers: Record<string, string> = {};
  let hasAgent = false;
  for (const [name, value] of Object.entries(own)) {
    const lower = name.toLowerCase();
    if (reserved.has(lower)) continue;
    if (lower === 'user-agent') hasAgent = true;
    headers[name] = value;
  }
  if (!hasAgent) headers['User-Agent'] = USER_AGENT;
  return headers;
}

const SENSITIVE = /authorization|cookie|secret|token|password|api-?key/i;
const HIDDEN = '***hidden***';

/** As the history shows them: what looks like a credential is hidden, the signature is not one. */
export function shownHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const shown: Record<string, string> = {};
  for (const name in headers) shown[name] = SENSITIVE.test(name) ? HIDDEN : (headers[name] as string);
  return shown;
}
