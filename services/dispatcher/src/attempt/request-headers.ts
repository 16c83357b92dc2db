import type { Delivery } from '@grapnel/domain/delivery/delivery';
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
  const reserved = new Set(Object.keys(system).map((name) => name.toLowerCase()));
  const headers: Record<string, string> = {};
  let hasAgent = false;
  for (const [name, value] of Object.entries({ ...endpoint.headers, ...delivery.headers })) {
    const lower = name.toLowerCase();
    if (reserved.has(lower)) continue;
    if (lower === 'user-agent') hasAgent = true;
    headers[name] = value;
  }
  if (!hasAgent) headers['User-Agent'] = USER_AGENT;
  return Object.assign(headers, system);
}

const SENSITIVE = /authorization|cookie|secret|token|password|api-?key/i;

/** As the history shows them: what looks like a credential is hidden, the signature is not one. */
export function shownHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, SENSITIVE.test(name) ? '***hidden***' : value]),
  );
}
