import { type Violation, violation } from '../violation.ts';
import { LIMITS } from '../webhook/config.ts';
import { isPublicAddress, literalAddress } from './address.ts';

export interface UrlPolicy {
  /** Development only: loopback and private addresses are allowed. */
  readonly allowLocal: boolean;
  /** The profile takes https alone; local endpoints may use http where they are allowed (GG-01). */
  readonly httpsOnly?: boolean;
}

/** Everything that keeps `url` from being an endpoint: form, scheme and, for literal addresses, where it points (AC-20). */
export function checkEndpointUrl(url: string, policy: UrlPolicy, field: string): Violation[] {
  if (url === '') return [violation(field, 'REQUIRED', 'is required: an http or https URL')];
  if (url.length > LIMITS.url.max)
    return [violation(field, 'TOO_LONG', `must be at most ${LIMITS.url.max} characters`)];
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || (parsed.protocol !== 'http:' && parsed.protocol !== 'https:')) {
    return [violation(field, 'INVALID_VALUE', 'must be an absolute http or https URL')];
  }
  if (/[\s\u0000-\u001f\u007f]/.test(url)) {
    return [violation(field, 'INVALID_VALUE', 'must not contain spaces or control characters')];
  }
  if (isMasked(url)) return [violation(field, 'INVALID_VALUE', STILL_MASKED)];
  if (policy.httpsOnly === true && !policy.allowLocal && parsed.protocol !== 'https:') {
    return [violation(field, 'INVALID_VALUE', 'must be an https URL: this profile takes no other')];
  }
  if (!policy.allowLocal && isLocalHost(parsed.hostname)) {
    return [violation(field, 'FORBIDDEN_ADDRESS', FORBIDDEN)];
  }
  return [];
}

export const FORBIDDEN =
  'must not point to a private, loopback or otherwise non-public address (ALLOW_LOCAL_WEBHOOKS=true permits it for development)';

const MASK = '***';
const STILL_MASKED = `has ${MASK} for a password, as reads show it: give the password itself, or the URL exactly as it was read`;

/** The URL as it may be shown: with the user, without the password (ST-05). */
export function maskedUrl(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || parsed.password === '') return url;
  parsed.password = MASK;
  return parsed.href;
}

/** Whether it is what {@link maskedUrl} shows: which password it has, only the stored URL knows. */
export const isMasked = (url: string): boolean => URL.canParse(url) && new URL(url).password === MASK;

/** Who sends back what a read showed means the URL that is stored, password and all. */
export function unmaskedUrl(given: string, stored: string): string {
  return isMasked(given) && new URL(given).href === maskedUrl(stored) ? stored : given;
}

/** By name or literal address; names that resolve to private addresses are refused on the connected socket. */
function isLocalHost(hostname: string): boolean {
  // `localhost.` with the root's dot is the same name.
  const name = hostname.toLowerCase().replace(/\.+$/, '');
  if (name === '' || name === 'localhost' || name.endsWith('.localhost')) return true;
  const address = literalAddress(name);
  return address !== null && !isPublicAddress(address);
}
