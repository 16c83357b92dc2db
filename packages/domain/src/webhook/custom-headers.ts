import { type Violation, violation } from '../violation.ts';
import { LIMITS } from './config.ts';

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

// What framing and the connection need: a customer's header there would let it smuggle or break requests.
const CONNECTION_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Whether the platform itself needs this header; names are compared in lower case. */
export const isConnectionHeader = (name: string): boolean => CONNECTION_HEADERS.has(name.toLowerCase());

/** Checks names and values; headers that a profile reserves are legal here and simply never replace the profile's. */
export function checkCustomHeaders(headers: Readonly<Record<string, string>>): Violation[] {
  const wrong: Violation[] = [];
  const names = Object.keys(headers);
  if (names.length > LIMITS.customHeaders.max) {
    wrong.push(violation('custom_headers', 'TOO_LONG', `must be at most ${LIMITS.customHeaders.max} headers`));
    return wrong;
  }
  const seen = new Set<string>();
  for (const name of names) {
    const field = `custom_headers.${name.slice(0, 64)}`;
    const lower = name.toLowerCase();
    const named = wrong.length;
    if (!TOKEN.test(name) || name.length > LIMITS.customHeaders.nameChars) {
      wrong.push(
        violation(field, 'INVALID_VALUE', 'must be a header name: 1 to 128 letters, digits and - _ . and the like'),
      );
    } else if (CONNECTION_HEADERS.has(lower)) {
      // Once, however often it is given in other cases of letters.
      if (!seen.has(lower))
        wrong.push(violation(field, 'INVALID_VALUE', 'belongs to the connection and cannot be set'));
    } else if (seen.has(lower)) {
      wrong.push(violation(field, 'INVALID_VALUE', 'is given twice: header names do not differ by case'));
    }
    seen.add(lower);
    // A header that cannot be there has no value to speak of.
    if (wrong.length === named && !CONNECTION_HEADERS.has(lower)) checkValue(field, headers[name] ?? '', wrong);
  }
  return wrong;
}

function checkValue(field: string, value: string, wrong: Violation[]): void {
  if (value.length > LIMITS.customHeaders.valueChars) {
    wrong.push(violation(field, 'TOO_LONG', `must be at most ${LIMITS.customHeaders.valueChars} characters`));
  }
  for (let i = 0; i < value.length; i++) {
    const c = value.charCodeAt(i);
    if (c === 0x09 || (c >= 0x20 && c <= 0x7e) || (c >= 0x80 && c <= 0xff)) continue;
    wrong.push(
      violation(field, 'INVALID_VALUE', 'must be printable Latin-1: no line breaks, control characters or others'),
    );
    return;
  }
}
