import { err, ok, type Result } from '../result.ts';

/**
 * A JSON value that remembers where each part of it stands, so that whoever reads it can say what is wrong where.
 * Numbers keep their spelling. `offset` counts UTF-16 units from 0 and is that of the value's first character.
 */
export type PositionedJson =
  | { readonly kind: 'literal'; readonly text: string; readonly offset: number }
  | PositionedString
  | { readonly kind: 'array'; readonly items: readonly PositionedJson[]; readonly offset: number }
  | { readonly kind: 'object'; readonly members: readonly PositionedMember[]; readonly offset: number };

export interface PositionedString {
  readonly kind: 'string';
  /** Without quotes, escapes resolved. */
  readonly value: string;
  readonly offset: number;
}

interface PositionedMember {
  readonly key: PositionedString;
  readonly value: PositionedJson;
}

/** What is wrong with a text, and where. */
export interface Fault {
  readonly message: string;
  readonly offset: number;
}

/** Reads what `JSON.parse` reads, except for objects that name a key twice and values deeper than `maxDepth`. */
export function parsePositionedJson(text: string, maxDepth: number): Result<PositionedJson, Fault> {
  const reader = new Reader(text, maxDepth);
  const value = reader.document();
  return value === null ? err(reader.fault) : ok(value);
}

const LITERAL = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const SPACE = /[ \t\n\r]*/y;

/** Every method answers `null` after it has set `fault`, and its caller then stops too. */
class Reader {
  fault: Fault = { message: '', offset: 0 };
  readonly #text: string;
  readonly #maxDepth: number;
  #at = 0;

  constructor(text: string, maxDepth: number) {
    this.#text = text;
    this.#maxDepth = maxDepth;
  }

  document(): PositionedJson | null {
    const value = this.#value(0);
    if (value === null) return null;
    return this.#next() === '' ? value : this.#expected('the end of the text');
  }

  #value(depth: number): PositionedJson | null {
    const next = this.#next();
    if (next === '"') return this.#string();
    if (next === '[' || next === '{') {
      if (depth >= this.#maxDepth) return this.#fail(`nested deeper than ${this.#maxDepth} levels`);
      return next === '[' ? this.#array(depth + 1) : this.#object(depth + 1);
    }
    const offset = this.#at;
    LITERAL.lastIndex = offset;
    const text = LITERAL.exec(this.#text)?.[0];
    if (text === undefined) return this.#expected('a value');
    this.#at += text.length;
    return { kind: 'literal', text, offset };
  }

  #array(depth: number): PositionedJson | null {
    const offset = this.#at++;
    const items: PositionedJson[] = [];
    if (this.#take(']')) return { kind: 'array', items, offset };
    for (;;) {
      const item = this.#value(depth);
      if (item === null) return null;
      items.push(item);
      if (this.#take(']')) return { kind: 'array', items, offset };
      if (!this.#take(',')) return this.#expected('a comma or ]');
    }
  }

  #object(depth: number): PositionedJson | null {
    const offset = this.#at++;
    const members: PositionedMember[] = [];
    const seen = new Set<string>();
    if (this.#take('}')) return { kind: 'object', members, offset };
    for (;;) {
      const member = this.#member(depth);
      if (member === null) return null;
      if (seen.has(member.key.value)) return this.#fail('this key is given twice', member.key.offset);
      seen.add(member.key.value);
      members.push(member);
      if (this.#take('}')) return { kind: 'object', members, offset };
      if (!this.#take(',')) return this.#expected('a comma or }');
    }
  }

  #member(depth: number): PositionedMember | null {
    if (this.#next() !== '"') {
      // The commonest slip: a variable without quotes opens an object within an object.
      if (this.#text.startsWith('{{', this.#at - 1)) return this.#fail('a variable must stand in quotes, "{{name}}"');
      return this.#expected('a key in double quotes');
    }
    const key = this.#string();
    if (key === null) return null;
    if (!this.#take(':')) return this.#expected('a colon');
    const value = this.#value(depth);
    return value === null ? null : { key, value };
  }

  #string(): PositionedString | null {
    const text = this.#text;
    const offset = this.#at;
    for (let i = offset + 1; i < text.length; i++) {
      const c = text.charCodeAt(i);
      if (c === 0x22) {
        this.#at = i + 1;
        return { kind: 'string', value: JSON.parse(text.slice(offset, i + 1)) as string, offset };
      }
      if (c < 0x20) return this.#fail('line breaks and control characters in a string must be escaped', i);
      if (c === 0x5c) {
        ESCAPE.lastIndex = i;
        if (!ESCAPE.test(text)) return this.#fail('there is no such escape', i);
        i = ESCAPE.lastIndex - 1;
      }
    }
    return this.#fail('this string has no end', offset);
  }

  /** The next character that is no white space, not yet taken; '' at the end. */
  #next(): string {
    SPACE.lastIndex = this.#at;
    SPACE.test(this.#text);
    this.#at = SPACE.lastIndex;
    return this.#text.charAt(this.#at);
  }

  #take(wanted: string): boolean {
    if (this.#next() !== wanted) return false;
    this.#at++;
    return true;
  }

  #expected(what: string): null {
    return this.#fail(`${what} was expected here`);
  }

  #fail(message: string, offset = this.#at): null {
    this.fault = { message, offset };
    return null;
  }
}
