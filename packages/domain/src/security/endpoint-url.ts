import { type Violation, violation } from '../violation.ts';
import { LIMITS } from '../webhook/config.ts';
import { isPublicAddress, literalAddress } from './address.ts';

export interface UrlPolicy {
  /** Development only: loopback and private addresses are allowed. */
  readonly allowLocal: boolean;
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
  if (!policy.allowLocal && isLocalHost(parsed.hostname)) {
    return [
      violation(field, 'FORBIDDEN_ADDRESS', 'must not point to a private, loopback or otherwise non-public address'),
    ];
  }
  return [];
}

/** By name or literal address; names that resolve to private addresses are refused on the connected socket. */
function isLocalHost(hostname: string): boolean {
  // `localhost.` with the root's dot is the same name.
  const name = hostname.toLowerCase().replace(/\.+$/, '');
  if (name === '' || name === 'localhost' || name.endsWith('.localhost')) return true;
  const address = literalAddress(name);
  return address !== null && !isPublicAddress(address);
}
