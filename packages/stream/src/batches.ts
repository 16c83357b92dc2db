import { nuid } from '@nats-io/nats-core';
import type { Outstanding } from './outstanding.ts';
import type { BatchPlace } from './publish-format.ts';

/** Fewer than these are sooner written one by one: the server puts every batch into a store of its own first. */
const MIN_MESSAGES = 24;
/** Half of the messages that a server takes by default; the bytes are a bound of ours for what it holds back until the batch is whole. */
const MAX = { messages: 500, bytes: 4 * 1_048_576 };

/** How a message leaves: by itself, or as a part of a batch. */
export type Send = (outstanding: Outstanding, place: BatchPlace | null) => void;

/**
 * The messages for one stream, in batches: one is under way at a time, and what comes meanwhile is the next. So a server that
 * has each on its disk before it answers (`sync_interval: always`) writes once for many where there are many, and a message
 * that is alone waits for nobody.
 */
export class Batches {
  readonly #send: Send;
  #waiting: Outstanding[] = [];
  #underWay: Outstanding | null = null;
  #isSending = false;

  constructor(send: Send) {
    this.#send = send;
  }

  add(outstanding: Outstanding): void {
    this.#waiting.push(outstanding);
    if (this.#isSending || this.#underWay !== null) return;
    this.#isSending = true;
    // After the others that are written in the same turn.
    queueMicrotask(() => {
      this.#isSending = false;
      this.#next();
    });
  }

  /** An answer came, or its time was up: the next batch may go. */
  ended(outstanding: Outstanding): void {
    if (this.#underWay !== outstanding) return;
    this.#underWay = null;
    this.#next();
  }

  #next(): void {
    if (this.#underWay !== null) return;
    const messages = this.#take();
    const last = messages.at(-1);
    if (last === undefined) return;
    this.#underWay = last;
    if (messages.length < MIN_MESSAGES) {
      for (const each of messages) this.#send(each, null);
      return;
    }
    const id = nuid.next();
    last.batch = messages;
    for (const [i, each] of messages.entries()) this.#send(each, { id, number: i + 1, commits: each === last });
  }

  /** Of those that have not been given up meanwhile, as many as go together. */
  #take(): Outstanding[] {
    const taken: Outstanding[] = [];
    let bytes = 0;
    let count = 0;
    for (const each of this.#waiting) {
      if (!each.isOver) {
        bytes += each.message.body.byteLength;
        if (taken.length === MAX.messages || (taken.length > 0 && bytes > MAX.bytes)) break;
        taken.push(each);
      }
      count++;
    }
    this.#waiting.splice(0, count);
    return taken;
  }
}
