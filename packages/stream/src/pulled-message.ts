import type { Msg } from '@nats-io/nats-core';
import type { Coalesced } from './coalesced.ts';
import { NatsMessage } from './nats-message.ts';
import type { Received } from './ports.ts';

const ACK = Buffer.from('+ACK');
const NAK = Buffer.from('-NAK');
const WORKING = Buffer.from('+WPI');

/** A message of a durable consumer, which is to be ended. */
export class PulledMessage extends NatsMessage implements Received {
  readonly #acks: Coalesced;

  constructor(stream: string, message: Msg, acks: Coalesced) {
    super(stream, message);
    this.#acks = acks;
  }

  get redelivered(): boolean {
    return this.reply.delivered > 1;
  }

  ack(): void {
    this.#acks.add(() => this.respond(ACK));
  }

  nak(delayMs?: number): void {
    this.#respondNow(delayMs === undefined ? NAK : Buffer.from(`-NAK {"delay":${Math.round(delayMs * 1_000_000)}}`));
  }

  term(reason: string): void {
    this.#respondNow(Buffer.from(`+TERM ${reason}`));
  }

  working(): void {
    this.#acks.add(() => this.respond(WORKING));
  }

  /** After what was said before: that it is being worked on, arriving later, would undo a delay. */
  #respondNow(word: Buffer): void {
    this.#acks.flush();
    this.respond(word);
  }
}
