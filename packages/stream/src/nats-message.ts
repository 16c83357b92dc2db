import type { Message } from '@grapnel/contracts/message';
import type { JsMsg, StoredMsg } from '@nats-io/jetstream';

/** What `get` and direct reads return, in our terms. */
export function fromStored(stream: string, message: StoredMsg): Message {
  return {
    stream,
    subject: message.subject,
    sequence: message.seq,
    body: message.data,
    storedAt: message.time.getTime(),
    header: (name) => message.header.get(name) || undefined,
  };
}

/** What a read yields; the position and time are parsed from its reply subject only when asked for. */
export class NatsMessage implements Message {
  readonly stream: string;
  readonly #message: JsMsg;

  constructor(stream: string, message: JsMsg) {
    this.stream = stream;
    this.#message = message;
  }

  get subject(): string {
    return this.#message.subject;
  }

  get sequence(): number {
    return this.#message.seq;
  }

  get body(): Uint8Array {
    return this.#message.data;
  }

  get storedAt(): number {
    return this.#message.time.getTime();
  }

  header(name: string): string | undefined {
    return this.#message.headers?.get(name) || undefined;
  }
}
