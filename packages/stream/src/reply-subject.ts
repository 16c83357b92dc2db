/** Tokens of a reply subject without domain and account; those with them have two more in front, and may have one more at the end. */
const SHORT_TOKENS = 9;
const POSITION = { delivered: 4, sequence: 5, consumerSequence: 6, time: 7, pending: 8 };

/** What the server says of a message that a consumer brings, in the subject to which its acknowledgement goes. */
export class ReplySubject {
  readonly #tokens: readonly string[];
  readonly #ahead: number;

  constructor(reply: string) {
    this.#tokens = reply.split('.');
    this.#ahead = this.#tokens.length === SHORT_TOKENS ? 0 : 2;
  }

  /** How often it was brought, this time included. */
  get delivered(): number {
    return this.#number(POSITION.delivered);
  }

  /** Its position in the stream. */
  get sequence(): number {
    return this.#number(POSITION.sequence);
  }

  /** Counts what the consumer brings, from 1. */
  get consumerSequence(): number {
    return this.#number(POSITION.consumerSequence);
  }

  /** When the stream stored it, milliseconds since the epoch. */
  get storedAt(): number {
    return Math.floor(this.#number(POSITION.time) / 1_000_000);
  }

  /** How many the consumer had still to bring then. */
  get pending(): number {
    return this.#number(POSITION.pending);
  }

  #number(position: number): number {
    return Number(this.#tokens[position + this.#ahead]);
  }
}
