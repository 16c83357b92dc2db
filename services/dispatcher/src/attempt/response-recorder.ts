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
    const text = Buffer.concat(this.#kept).toString('utf8');
    // NUL cannot be stored as text in Postgres.
    const body = [...text.slice(0, this.#keptChars * 2)]
      .slice(0, this.#keptChars)
      .join('')
      .replaceAll('\u0000', '\ufffd');
    return { status: this.status, headers: this.#headers, body };
  }
}

function shown(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers).slice(0, MAX_HEADERS)) {
    if (value === undefined || HIDDEN.has(name)) continue;
    kept[name] = (Array.isArray(value) ? value.join(', ') : value).slice(0, MAX_HEADER_CHARS).replaceAll('\u0000', '');
  }
  return kept;
}
