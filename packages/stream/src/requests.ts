import type { Clock, Timer } from '@grapnel/runtime/clock';
import { createInbox, type Msg, type NatsConnection } from '@nats-io/nats-core';

const TIMEOUT_MS = 5_000;

interface Asked {
  readonly timer: Timer;
  readonly resolve: (answer: Msg) => void;
}

/**
 * Requests over one wildcard inbox, for what is asked often: the client's own `request` makes an error with a stack for each, which
 * costs more than the rest of it.
 */
export class Requests {
  readonly #connection: NatsConnection;
  readonly #clock: Clock;
  readonly #inbox = `${createInbox()}.`;
  readonly #asked = new Map<string, Asked>();
  #next = 0;

  constructor(connection: NatsConnection, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
    connection.subscribe(`${this.#inbox}*`, {
      callback: (error, answer) => {
        if (error === null) this.#answered(answer);
      },
    });
  }

  /** @throws Error when nobody is there to answer, or none does in time */
  async ask(subject: string, body: Uint8Array): Promise<Msg> {
    const token = String(this.#next++);
    const answer = await new Promise<Msg>((resolve, reject) => {
      const timer = this.#clock.after(TIMEOUT_MS, () => {
        this.#asked.delete(token);
        reject(new Error(`no answer on ${subject} within ${TIMEOUT_MS} ms`));
      });
      this.#asked.set(token, { timer, resolve });
      this.#connection.publish(subject, body, { reply: this.#inbox + token });
    });
    if (answer.headers?.code === 503) throw new Error(`nobody answers on ${subject}`);
    return answer;
  }

  #answered(answer: Msg): void {
    const token = answer.subject.slice(this.#inbox.length);
    const asked = this.#asked.get(token);
    if (asked === undefined) return;
    this.#asked.delete(token);
    asked.timer.cancel();
    asked.resolve(answer);
  }
}
