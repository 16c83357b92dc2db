import type { ReceivedResponse } from '@grapnel/domain/delivery/outcome';

/** Characters of an answer's body that the history shows. */
const SHOWN_CHARS = 1_000;
/** UTF-8 takes at most so many bytes a character. */
const BYTES_PER_CHAR = 4;
/** Past this a body is not read to its end, so that a huge one costs neither time nor memory. */
const ENOUGH_BYTES = 65_536;
const MAX_HEADERS = 50;
const MAX_HEADER_CHARS = 1_024;

/** A customer's cookies are nobody's business. */
const HIDDEN = new Set(['set-cookie', 'set-cookie2']);

/** Keeps of an answer what the history shows, within bounds. */
export class ResponseRecorder {
  readonly status: number;
  readonly #headers: Record<string, string>;
  readonly #keptChars: number;
  readonly #kept: Buffer[] = [];
  #keptBytes = 0;
  #readBytes = 0;

  constructor(
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
    keptChars: number = SHOWN_CHARS,
  ) {
    this.status = status;
    this.#keptChars = keptChars;
    this.#headers = shown(headers);
  }

  take(chunk: Buffer): 'more' | 'enough' {
    this.#readBytes += chunk.byteLength;
    const room = this.#keptChars * BYTES_PER_CHAR - this.#keptBytes;
    if (room > 0) {
      // Copied: undici reuses its buffers.
      const part = Buffer.from(chunk.subarray(0, room));
      this.#kept.push(part);
      this.#keptBytes += part.byteLength;
    }
    return this.#readBytes > ENOUGH_BYTES ? 'enough' : 'more';
  }

  recorded(): ReceivedResponse {
    return { status: this.status, headers: this.#headers, body: this.#keptBytes === 0 ? '' : this.#body() };
  }

  #body(): string {
    const text = Buffer.concat(this.#kept).toString('utf8');
    // Characters, not halves of them: what is short enough anyway need not be counted.
    const first =
      text.length <= this.#keptChars
        ? text
        : [...text.slice(0, this.#keptChars * 2)].slice(0, this.#keptChars).join('');
    // NUL cannot be stored as text in Postgres.
    return first.replaceAll('\u0000', '\ufffd');
  }
}

function shown(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const kept: Record<string, string> = {};
  let left = MAX_HEADERS;
  for (const name in headers) {
    if (left-- === 0) break;
    const value = headers[name];
    if (value === undefined || HIDDEN.has(name)) continue;
    const text = textOf(name, value);
    kept[name] = text.length > MAX_HEADER_CHARS || text.includes('\0') ? bounded(text) : text;
  }
  // It decides about the next attempt, wherever it stands.
  const wait = headers[RETRY_AFTER];
  if (wait !== undefined && !(RETRY_AFTER in kept)) kept[RETRY_AFTER] = bounded(textOf(RETRY_AFTER, wait));
  return kept;
}

const RETRY_AFTER = 'retry-after';

/** Of headers that come more than once all values, but for the one that has one meaning alone. */
function textOf(name: string, value: string | string[]): string {
  if (!Array.isArray(value)) return value;
  return name === RETRY_AFTER ? (value[0] ?? '') : value.join(', ');
}

const bounded = (text: string): string => text.slice(0, MAX_HEADER_CHARS).replaceAll('\u0000', '');
