import { err, ok, type Result } from '../result.ts';
import { type Violation, violation } from '../violation.ts';
import { LIMITS } from '../webhook/config.ts';
import { checkCustomHeaders } from '../webhook/custom-headers.ts';
import { asciiOf, CONTROL, isSystemHeader, MAX_HEADER_CHARS } from './header-rules.ts';
import { parseTemplateJson, piecesOf, toViolations } from './parse-template.ts';
import { MAX_PLACEHOLDERS, type Pieces, placeholdersIn, TOO_MANY_PLACEHOLDERS } from './placeholder.ts';
import type { Fault, PositionedJson, PositionedString } from './positioned-json.ts';

export interface HeaderTemplate {
  readonly name: string;
  readonly value: Pieces;
  /** Of its name in the template. */
  readonly offset: number;
}

/** A checked headers template, without the headers that are the system's. */
export interface HeadersTemplate {
  readonly headers: readonly HeaderTemplate[];
}

/**
 * Checks a headers template: a JSON object of names and strings (TH-07). The system's own headers may be named, as the
 * original's documentation says, and are dropped; what belongs to the connection is refused, as in custom headers.
 */
export function parseHeadersTemplate(text: string, field = 'headers_template'): Result<HeadersTemplate, Violation[]> {
  const document = parseTemplateJson(text, field);
  if (!document.ok) return document;
  const refuse = (faults: readonly Fault[]): Result<never, Violation[]> => err(toViolations(text, field, faults));
  if (document.value.kind !== 'object') {
    return refuse([{ message: 'an object of header names and strings was expected', offset: document.value.offset }]);
  }
  const { members } = document.value;
  if (members.length > LIMITS.customHeaders.max) {
    return err([violation(field, 'TOO_LONG', `must be at most ${LIMITS.customHeaders.max} headers`)]);
  }
  const faults: Fault[] = [];
  const headers: HeaderTemplate[] = [];
  const seen = new Set<string>();
  let placeholders = 0;
  for (const { key, value } of members) {
    faults.push(...checkName(key, seen));
    seen.add(key.value.toLowerCase());
    const pieces = checkedPieces(text, value);
    if (!pieces.ok) {
      faults.push(...pieces.error);
      continue;
    }
    placeholders += placeholdersIn(pieces.value);
    if (placeholders > MAX_PLACEHOLDERS) return refuse([{ message: TOO_MANY_PLACEHOLDERS, offset: key.offset }]);
    if (!isSystemHeader(key.value)) headers.push({ name: key.value, value: pieces.value, offset: key.offset });
  }
  return faults.length > 0 ? refuse(faults) : ok({ headers });
}

function checkName({ value: name, offset }: PositionedString, seen: ReadonlySet<string>): Fault[] {
  if (seen.has(name.toLowerCase())) {
    return [{ message: 'this header is given twice: header names do not differ by case', offset }];
  }
  if (isSystemHeader(name)) return [];
  return checkCustomHeaders({ [name]: '' }).map(({ message }) => ({ message: `this name ${message}`, offset }));
}

function checkedPieces(text: string, node: PositionedJson): Result<Pieces, Fault[]> {
  const refuse = (message: string): Result<never, Fault[]> => err([{ message, offset: node.offset }]);
  if (node.kind !== 'string') return refuse('the value of a header must be a string');
  if (CONTROL.test(node.value)) return refuse('a header must not contain line breaks or control characters');
  const pieces = piecesOf(text, node);
  if (!pieces.ok) return pieces;
  const fixed = pieces.value.reduce(
    (chars, piece) => chars + (typeof piece === 'string' ? asciiOf(piece).length : 0),
    0,
  );
  return fixed > MAX_HEADER_CHARS ? refuse(`a header must be at most ${MAX_HEADER_CHARS} characters`) : pieces;
}
