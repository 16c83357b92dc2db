import type { Message } from '@grapnel/contracts/message';
import type { JsMsg, StoredMsg } from '@nats-io/jetstream';
import type { Coalesced } from './coalesced.ts';
import type { Received } from './ports.ts';

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

/** A consumer's message; the position and time are parsed from its reply subject only when asked for. */
export class NatsReceived implements Received {
  readonly stream: string;
  readonly #message: JsMsg;
  readonly #acks: Coalesced;

  constructor(stream: string, message: JsMsg, acks: Coalesced) {
    this.stream = stream;
    this.#message = message;
    this.#acks = acks;
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

  get redelivered(): boolean {
    return this.#message.redelivered;
  }

  header(name: string): string | undefined {
    return this.#message.headers?.get(name) || undefined;
  }

  ack(): void {
    this.#acks.add(() => this.#message.ack());
  }

  nak(delayMs?: number): void {
    this.#message.nak(delayMs);
  }

  term(reason: string): void {
    this.#message.term(reason);
  }

  working(): void {
    this.#message.working();
  }
}
