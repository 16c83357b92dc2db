import type { Message } from '@grapnel/contracts/message';
import type { StoredMsg } from '@nats-io/jetstream';
import type { Msg, MsgHdrs } from '@nats-io/nats-core';
import { ReplySubject } from './reply-subject.ts';

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

/** A message that a consumer brings; its reply subject and its headers are parsed once they are asked for. */
export class NatsMessage implements Message {
  readonly stream: string;
  readonly #message: Msg;
  #headers: MsgHdrs | undefined;
  #reply: ReplySubject | null = null;

  constructor(stream: string, message: Msg) {
    this.stream = stream;
    this.#message = message;
  }

  get subject(): string {
    return this.#message.subject;
  }

  get sequence(): number {
    return this.reply.sequence;
  }

  get body(): Uint8Array {
    return this.#message.data;
  }

  get storedAt(): number {
    return this.reply.storedAt;
  }

  get reply(): ReplySubject {
    this.#reply ??= new ReplySubject(this.#message.reply ?? '');
    return this.#reply;
  }

  header(name: string): string | undefined {
    this.#headers ??= this.#message.headers;
    return this.#headers?.get(name) || undefined;
  }

  protected respond(payload: Uint8Array): void {
    this.#message.respond(payload);
  }
}
