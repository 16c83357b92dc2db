import { LIMITS } from '../webhook/config.ts';

/** TH-07: always the system's, whatever a template says. */
const SYSTEM_HEADERS: ReadonlySet<string> = new Set([
  'host',
  'content-type',
  'webhook',
  'webhook-dispatch-id',
  'request-origin',
]);

export const isSystemHeader = (name: string): boolean => SYSTEM_HEADERS.has(name.toLowerCase());

export const MAX_HEADER_CHARS = LIMITS.customHeaders.valueChars;

/** CR, LF, NUL and every other control character but the tab: none may stand in a header's value. */
export const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/;

/**
 * Characters above ASCII as percent-encoded UTF-8, everything else, `%` included, as it is: what a URL does, and what
 * every receiver reads alike. Bytes above 127 would be read as Latin-1 by one and as UTF-8 by the next.
 */
export const asciiOf = (text: string): string =>
  text.toWellFormed().replace(/[\u0080-\u{10ffff}]+/gu, encodeURIComponent);
