import { err, ok, type Result } from './result.ts';
import { describePosition } from './templates/position.ts';
import { parsePositionedJson } from './templates/positioned-json.ts';

/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** An object with members: no list, and no number that keeps its digits. */
export const isJsonObject = (value: Json | undefined): value is { readonly [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !isExactNumber(value);

export const MAX_JSON_DEPTH = 64;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

/**
 * Checks that `bytes` are one JSON value in UTF-8, no deeper than {@link MAX_JSON_DEPTH}, and returns it parsed.
 * Depth is counted before parsing: serialising a value of a million nested arrays would overflow the stack.
 */
export function parseJsonBytes(bytes: Uint8Array): Result<Json, string> {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    return err('is not valid UTF-8');
  }
  return parseJsonText(text);
}

/** As {@link parseJsonBytes}, for text; `maxDepth` leaves room for an envelope round the value. */
export function parseJsonText(text: string, maxDepth: number = MAX_JSON_DEPTH): Result<Json, string> {
  if (exceedsDepth(text, maxDepth)) return err(`is nested deeper than ${maxDepth} levels`);
  try {
    return ok(UNSAFE_NUMBER.test(text) ? parseExact(text) : (JSON.parse(text) as Json));
  } catch (error) {
    return err(`is not valid JSON${placeOf(text, maxDepth, error as Error)}`);
  }
}

/**
 * `JSON.stringify` form of a JSON text: what a receiver that parses and serialises again arrives at (ST-04).
 * Numbers that a double cannot hold keep their digits, because losing them would change the customer's data.
 */
export function compactJson(text: string): string {
  return JSON.stringify(UNSAFE_NUMBER.test(text) ? parseExact(text) : JSON.parse(text));
}

// Sixteen digits in a row, or an exponent: only then can a number lose digits, and only then is the slow parser used.
const UNSAFE_NUMBER = /\d{16}|\d[eE][+-]?\d{2}/;

interface SourceContext {
  readonly source?: string;
}

interface RawJson {
  rawJSON(text: string): unknown;
  isRawJSON(value: unknown): boolean;
}

/** Whether `value` is a number that kept its digits: an object to JavaScript, but no object to whoever sent it. */
export const isExactNumber = (value: Json): boolean => (JSON as unknown as RawJson).isRawJSON(value);

function parseExact(text: string): Json {
  const reviver = function (this: unknown, _key: string, value: unknown, context?: SourceContext): unknown {
    if (typeof value !== 'number' || context?.source === undefined) return value;
    return sameNumber(context.source, value) ? value : (JSON as unknown as RawJson).rawJSON(context.source);
  };
  return JSON.parse(text, reviver) as Json;
}

/**
 * Whether the double still says what the digits say: an integer must be exact; a fraction may round where doubles round,
 * as long as it does not vanish.
 */
function sameNumber(source: string, value: number): boolean {
  if (!Number.isFinite(value)) return false;
  if (/^-?\d+$/.test(source)) return BigInt(source) === BigInt(value);
  return value !== 0 || !/[1-9]/.test(source.split(/[eE]/)[0] ?? '');
}

export function exceedsDepth(text: string, max: number): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (inString) {
      if (c === 0x5c) i++;
      else if (c === 0x22) inString = false;
    } else if (c === 0x22) inString = true;
    else if (c === 0x7b || c === 0x5b) {
      if (++depth > max) return true;
    } else if (c === 0x7d || c === 0x5d) depth--;
  }
  return false;
}

/** The place and what was expected there; V8's own message names the place in some cases and quotes the input in others. */
function placeOf(text: string, maxDepth: number, error: Error): string {
  const read = parsePositionedJson(text, maxDepth);
  if (read.ok) return `: ${error.message.slice(0, 120)}`;
  const { offset, message } = read.error;
  return ` at ${describePosition(text, offset)}: ${message}`;
}
