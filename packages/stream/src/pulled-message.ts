import type { Msg, MsgHdrs } from '@nats-io/nats-core';
import type { Coalesced } from './coalesced.ts';
import type { Received } from './ports.ts';

const ACK = Buffer.from('+ACK');
const NAK = Buffer.from('-NAK');
const WORKING = Buffer.from('+WPI');

/** Tokens of a reply subject without domain and account; those with them have two more in front, and may have one more at the end. */
const SHORT_REPLY_TOKENS = 9;
const POSITION = { delivered: 4, sequence: 5, time: 7 };

/** A message of a pull; position and time are parsed from its reply subject, headers from their bytes, once they are asked for. */
export class PulledMessage implements Received {
  readonly stream: string;
  readonly #message: Msg;
  readonly #acks: Coalesced;
  #headers: MsgHdrs | undefined;
  #tokens: string[] | null = null;

  constructor(stream: string, message: Msg, acks: Coalesced) {
    this.stream = stream;
    this.#message = message;
    this.#acks = acks;
  }

  get subject(): string {
    return this.#message.subject;
  }

  get sequence(): number {
    return this.#replyNumber(POSITION.sequence);
  }

  get body(): Uint8Array {
    return this.#message.data;
  }

  get storedAt(): number {
    return Math.floor(this.#replyNumber(POSITION.time) / 1_000_000);
  }

  get redelivered(): boolean {
    return this.#replyNumber(POSITION.delivered) > 1;
  }

  header(name: string): string | undefined {
    this.#headers ??= this.#message.headers;
    return this.#headers?.get(name) || undefined;
  }

  ack(): void {
    this.#acks.add(() => this.#message.respond(ACK));
  }

  nak(delayMs?: number): void {
    const payload = delayMs === undefined ? NAK : Buffer.from(`-NAK {"delay":${Math.round(delayMs * 1_000_000)}}`);
    this.#message.respond(payload);
  }

  term(reason: string): void {
    this.#message.respond(Buffer.from(`+TERM ${reason}`));
  }

  working(): void {
    this.#message.respond(WORKING);
  }

  #replyNumber(position: number): number {
    this.#tokens ??= (this.#message.reply ?? '').split('.');
    const ahead = this.#tokens.length === SHORT_REPLY_TOKENS ? 0 : 2;
    return Number(this.#tokens[position + ahead]);
  }
}
