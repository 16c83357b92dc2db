// ipaddr.js knows the special-purpose registries of both families; the one third party of this package.
import ipaddr from 'ipaddr.js';

/**
 * The address in a URL's host, or `null` when it is a name. WHATWG URL parsing has already turned decimal, octal
 * and hex forms (`2130706433`, `0x7f.1`) into dotted quads, so only canonical forms arrive here.
 */
export function literalAddress(hostname: string): string | null {
  const bare = hostname.startsWith('[') && hostname.endsWith(']') ? hostname.slice(1, -1) : hostname;
  return ipaddr.isValid(bare) ? bare : null;
}

/** Whether a connection to `address` may leave for a customer: only globally routable unicast, both families. */
export function isPublicAddress(address: string): boolean {
  let parsed: ipaddr.IPv4 | ipaddr.IPv6;
  try {
    // `process` unwraps IPv4-mapped IPv6.
    parsed = ipaddr.process(address.split('%')[0] ?? address);
  } catch {
    return false;
  }
  if (parsed.kind() === 'ipv4') return parsed.range() === 'unicast';
  return isPublicIpv6(parsed as ipaddr.IPv6);
}

function isPublicIpv6(address: ipaddr.IPv6): boolean {
  const range = address.range();
  // Addresses that carry an IPv4 address inside reach that one: judge the inner address.
  if (range === 'rfc6052' || range === '6to4') return isPublicAddress(embeddedIpv4(address, range));
  if (range !== 'unicast') return false;
  // Only 2000::/3 is allocated for global unicast; `unicast` is also ipaddr.js' word for “no special range”.
  return ((address.parts[0] ?? 0) & 0xe000) === 0x2000;
}

function embeddedIpv4(address: ipaddr.IPv6, range: 'rfc6052' | '6to4'): string {
  const [high, low] = range === '6to4' ? [address.parts[1], address.parts[2]] : [address.parts[6], address.parts[7]];
  const [h, l] = [high ?? 0, low ?? 0];
  return `${h >> 8}.${h & 255}.${l >> 8}.${l & 255}`;
}
