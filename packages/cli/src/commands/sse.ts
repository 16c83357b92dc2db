/** One server-sent event. */
export interface SseMessage {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/** Reads a `text/event-stream` piece by piece, wherever the pieces are cut. */
export class SseParser {
  readonly #decoder = new TextDecoder();
  #rest = '';
  #fields: Record<string, string> = {};

  /** The messages that are complete with these bytes. */
  push(bytes: Uint8Array): SseMessage[] {
    const lines = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split('\n');
    this.#rest = lines.pop() ?? '';
    const messages: SseMessage[] = [];
    for (const line of lines.map((text) => text.replace(/\r$/, ''))) {
      if (line === '') {
        const { id = '', event = 'message', data } = this.#fields;
        if (data !== undefined) messages.push({ id, event, data });
        this.#fields = {};
        continue;
      }
      const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
      const before = this.#fields[field];
      // A line that begins with a colon is a comment: its field has no name.
      if (field !== '') this.#fields[field] = field === 'data' && before !== undefined ? `${before}\n${value}` : value;
    }
    return messages;
  }
}
