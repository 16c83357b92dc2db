import { cutAtBraces } from '../braces.ts';
import { isJsonObject, type Json } from '../json.ts';
import { err, ok, type Result } from '../result.ts';
import { asText } from '../templates/resolve.ts';
import { type Path, parsePath, valueAt } from './path.ts';

/** Variables by their first name: `{{body.order.id}}`. */
export type Scope = { readonly [name: string]: Json };

type Piece = string | { readonly path: Path };

/** Cuts a text at its `{{…}}`; the error names the placeholder. */
function piecesOf(text: string): Result<Piece[], string> {
  const pieces: Piece[] = [];
  for (const stretch of cutAtBraces(text)) {
    if (stretch.kind === 'unclosed') return err('has {{ without }}');
    if (stretch.kind === 'text') {
      pieces.push(stretch.text);
      continue;
    }
    const written = stretch.inner.trim();
    const path = parsePath(written);
    if (!path.ok) return err(`has {{${written.slice(0, 64)}}}, which ${path.error}`);
    pieces.push({ path: path.value });
  }
  return ok(pieces);
}

/** How many variables a template uses, or what is wrong with it; `names` are those a path may begin with. */
export function checkTemplate(template: Json, names: readonly string[]): Result<number, string> {
  if (typeof template === 'string') {
    const pieces = piecesOf(template);
    if (!pieces.ok) return pieces;
    const paths = pieces.value.flatMap((piece) => (typeof piece === 'string' ? [] : [piece.path]));
    const unknown = paths.find(([first]) => first?.kind !== 'key' || !names.includes(first.name));
    if (unknown !== undefined) return err(`may use variables that begin with ${names.join(', ')}`);
    return ok(paths.length);
  }
  const parts = Array.isArray(template) ? template : isJsonObject(template) ? Object.values(template) : [];
  let count = 0;
  for (const part of parts as readonly Json[]) {
    const inside = checkTemplate(part, names);
    if (!inside.ok) return inside;
    count += inside.value;
  }
  return ok(count);
}

/** What may come of one template, in characters: variables can repeat a body of a megabyte many times. */
export const MAX_RENDERED_CHARS = 1_048_576;
export const TOO_LARGE = `comes to more than ${MAX_RENDERED_CHARS} characters`;

/** Puts values in for variables, once: what a value contains is never read as a template again. */
class Renderer {
  readonly #scope: Scope;
  #left = MAX_RENDERED_CHARS;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  get exceeded(): boolean {
    return this.#left < 0;
  }

  text(template: string): string {
    const pieces = piecesOf(template);
    // Checked when it was configured.
    if (!pieces.ok) return template;
    return pieces.value
      .map((piece) => (typeof piece === 'string' ? piece : asText(this.#valueOf(piece.path))))
      .join('');
  }

  json(template: Json): Json {
    if (typeof template === 'string') {
      const pieces = piecesOf(template);
      const [first, second] = pieces.ok ? pieces.value : [];
      return typeof first === 'object' && second === undefined ? this.#valueOf(first.path) : this.text(template);
    }
    if (Array.isArray(template)) return template.map((item: Json) => this.json(item));
    if (!isJsonObject(template)) return template;
    return Object.fromEntries(Object.entries(template).map(([name, member]) => [name, this.json(member)]));
  }

  #valueOf(path: Path): Json {
    const value = valueAt(this.#scope, path) ?? null;
    this.#left -= typeof value === 'object' ? JSON.stringify(value).length : String(value).length;
    return this.exceeded ? null : value;
  }
}

/** A body template with its variables: text as it is, anything else as JSON. */
export function renderBody(
  template: Json,
  scope: Scope,
): Result<{ readonly text: string; readonly json: boolean }, string> {
  const renderer = new Renderer(scope);
  const json = typeof template !== 'string';
  const text = json ? JSON.stringify(renderer.json(template)) : renderer.text(template);
  return renderer.exceeded ? err(TOO_LARGE) : ok({ text, json });
}

/** Header values with their variables; what would break a header out of its line becomes a space. */
export function renderHeaders(
  headers: Readonly<Record<string, string>>,
  scope: Scope,
): Result<Record<string, string>, string> {
  const renderer = new Renderer(scope);
  const rendered = Object.entries(headers).map(([name, value]) => {
    const text = renderer.text(value).replaceAll(/[^\t\u0020-\u007e\u0080-\u00ff]/g, ' ');
    return [name, text.slice(0, MAX_HEADER_CHARS).trim()] as const;
  });
  return renderer.exceeded ? err(TOO_LARGE) : ok(Object.fromEntries(rendered));
}

const MAX_HEADER_CHARS = 4_096;
