import { err, ok, type Result } from '../result.ts';
import { type Violation, violation } from '../violation.ts';
import { LIMITS } from '../webhook/config.ts';
import {
  MAX_PLACEHOLDERS,
  type Pieces,
  type Placeholder,
  parsePieces,
  placeholdersIn,
  TOO_MANY_PLACEHOLDERS,
} from './placeholder.ts';
import { describePosition, offsetInString } from './position.ts';
import { type Fault, type PositionedJson, type PositionedString, parsePositionedJson } from './positioned-json.ts';

export const MAX_TEMPLATE_DEPTH = 32;
// A template that is wrong all over is answered with what can be read, not with a line per placeholder.
const MAX_VIOLATIONS = 20;

/** What a payload is put together from, in order: JSON as it is, a value in its own type, or a string made of pieces. */
export type PayloadPart =
  | { readonly kind: 'json'; readonly text: string }
  | { readonly kind: 'value'; readonly placeholder: Placeholder }
  | { readonly kind: 'text'; readonly pieces: Pieces };

/** A checked payload template; holds no strings of the event, so one serves every event. */
export interface PayloadTemplate {
  readonly parts: readonly PayloadPart[];
}

/**
 * Checks a payload template and makes it ready for rendering, or says everything that is wrong with it and where (TH-03).
 * White space is dropped and strings take the form that `JSON.stringify` gives them; numbers and the order of keys stay
 * as written. Variables belong in values: braces in a key are refused, because two keys could become one.
 */
export function parsePayloadTemplate(text: string, field = 'payload_template'): Result<PayloadTemplate, Violation[]> {
  const document = parseTemplateJson(text, field);
  if (!document.ok) return document;
  const compiler = new Compiler(text);
  compiler.add(document.value);
  const { parts, faults } = compiler;
  return faults.length > 0 ? err(toViolations(text, field, faults)) : ok({ parts });
}

/** The JSON of a template of either kind, within its bounds. */
export function parseTemplateJson(text: string, field: string): Result<PositionedJson, Violation[]> {
  const max = LIMITS.template.bytes;
  if (text.length > max || Buffer.byteLength(text) > max) {
    return err([violation(field, 'TOO_LARGE', `must be at most ${max} bytes`)]);
  }
  const parsed = parsePositionedJson(text, MAX_TEMPLATE_DEPTH);
  if (parsed.ok) return parsed;
  const { message, offset } = parsed.error;
  return err([violation(field, 'INVALID_VALUE', `is not valid JSON at ${describePosition(text, offset)}: ${message}`)]);
}

export function toViolations(text: string, field: string, faults: readonly Fault[]): Violation[] {
  return faults
    .slice(0, MAX_VIOLATIONS)
    .map(({ message, offset }) =>
      violation(field, 'INVALID_VALUE', `at ${describePosition(text, offset)}: ${message}`),
    );
}

/** The pieces of one string of the template `text`, or its faults with offsets in `text`. */
export function piecesOf(text: string, { value, offset }: PositionedString): Result<Pieces, Fault[]> {
  const pieces = parsePieces(value);
  if (pieces.ok) return pieces;
  return err(
    pieces.error
      .slice(0, MAX_VIOLATIONS)
      .map((fault) => ({ ...fault, offset: offsetInString(text, offset, fault.offset) })),
  );
}

/** Writes a document out as parts: what is the same for every event is joined into as few as possible. */
class Compiler {
  readonly parts: PayloadPart[] = [];
  readonly faults: Fault[] = [];
  readonly #text: string;
  #placeholders = 0;

  constructor(text: string) {
    this.#text = text;
  }

  add(node: PositionedJson): void {
    switch (node.kind) {
      case 'literal':
        return this.#write(node.text);
      case 'string':
        return this.#string(node);
      case 'array':
        this.#write('[');
        node.items.forEach((item, i) => {
          if (i > 0) this.#write(',');
          this.add(item);
        });
        return this.#write(']');
      case 'object':
        this.#write('{');
        node.members.forEach(({ key, value }, i) => {
          this.#key(key, i > 0);
          this.add(value);
        });
        return this.#write('}');
    }
  }

  #key({ value, offset }: PositionedString, follows: boolean): void {
    const braces = value.indexOf('{{');
    if (braces >= 0) {
      const at = offsetInString(this.#text, offset, braces);
      this.faults.push({ message: 'variables may stand in values only, not in a key', offset: at });
    }
    this.#write(`${follows ? ',' : ''}${JSON.stringify(value)}:`);
  }

  #string(node: PositionedString): void {
    const pieces = piecesOf(this.#text, node);
    if (!pieces.ok) {
      this.faults.push(...pieces.error);
      return;
    }
    const before = this.#placeholders;
    this.#placeholders += placeholdersIn(pieces.value);
    if (before <= MAX_PLACEHOLDERS && this.#placeholders > MAX_PLACEHOLDERS) {
      this.faults.push({ message: TOO_MANY_PLACEHOLDERS, offset: node.offset });
    }
    const [first] = pieces.value;
    if (this.#placeholders === before) this.#write(JSON.stringify(node.value));
    else if (pieces.value.length > 1) this.parts.push({ kind: 'text', pieces: pieces.value });
    else if (typeof first === 'object') this.parts.push({ kind: 'value', placeholder: first });
  }

  #write(text: string): void {
    const last = this.parts.at(-1);
    if (last?.kind === 'json') this.parts[this.parts.length - 1] = { kind: 'json', text: last.text + text };
    else this.parts.push({ kind: 'json', text });
  }
}
