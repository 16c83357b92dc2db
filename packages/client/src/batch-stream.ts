import type { IngestService, PublishError, PublishResult } from '@grapnel/contracts/gen/grapnel/ingest/v1/ingest_pb';
import type { RpcClient } from '@grapnel/rpc/client';
import { Code, RpcError } from '@grapnel/rpc/errors';
import type { Clock } from '@grapnel/runtime/clock';
import type { WireEvent } from './event.ts';

/** What became of a batch. */
export type BatchAnswer =
  | { readonly kind: 'results'; readonly results: readonly PublishResult[] }
  /** Nothing of it was stored. */
  | { readonly kind: 'refused'; readonly error: PublishError }
  /** The call ended before the answer; nobody knows. */
  | { readonly kind: 'broken'; readonly error: unknown };

type Ingest = Pick<RpcClient<typeof IngestService>, 'publishBatches'>;

/** Without batches for so long, a call ends: it would keep the process alive, and the connection where it is. */
const IDLE_MS = 1_000;

/** Sends batches on one long call, which is made with the first of them and again after it has ended. */
export class BatchStream {
  readonly #ingest: Ingest;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  #call: BatchCall | null = null;

  /** `timeoutMs` bounds the wait for each answer. */
  constructor(ingest: Ingest, clock: Clock, timeoutMs: number) {
    this.#ingest = ingest;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** Never rejects. */
  send(events: WireEvent[]): Promise<BatchAnswer> {
    if (this.#call === null || this.#call.over) this.#call = new BatchCall(this.#ingest, this.#clock, this.#timeoutMs);
    return this.#call.send(events);
  }

  /** Ends the call that is open, once what was sent is answered. */
  end(): void {
    this.#call?.end();
  }
}

interface Waiting {
  readonly deadline: number;
  resolve(answer: BatchAnswer): void;
}

interface Request {
  readonly tag: bigint;
  readonly events: WireEvent[];
}

class BatchCall {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #abort = new AbortController();
  /** By tag, in the order of sending and so of their deadlines. */
  readonly #waiting = new Map<bigint, Waiting>();
  readonly #requests: Request[] = [];
  #wake: () => void = () => {};
  #tag = 0n;
  #usedAt: number;
  #over = false;

  constructor(ingest: Ingest, clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#usedAt = clock.monotonic();
    void this.#read(ingest);
    this.#watch();
  }

  /** Takes nothing more. */
  get over(): boolean {
    return this.#over;
  }

  send(events: WireEvent[]): Promise<BatchAnswer> {
    return new Promise((resolve) => {
      this.#usedAt = this.#clock.monotonic();
      const tag = ++this.#tag;
      this.#waiting.set(tag, { deadline: this.#usedAt + this.#timeoutMs, resolve });
      this.#requests.push({ tag, events });
      this.#wake();
    });
  }

  end(): void {
    this.#over = true;
    this.#wake();
  }

  async #read(ingest: Ingest): Promise<void> {
    let failure: unknown = new RpcError(Code.UNAVAILABLE, 'the server ended the call');
    try {
      const answers = ingest.publishBatches(this.#queued(), { signal: this.#abort.signal });
      for await (const { tag, results, refused } of answers) {
        const answer =
          refused === undefined ? { kind: 'results' as const, results } : { kind: 'refused' as const, error: refused };
        this.#waiting.get(tag)?.resolve(answer);
        this.#waiting.delete(tag);
      }
    } catch (error) {
      failure = error;
    }
    this.end();
    this.#break(failure);
  }

  async *#queued(): AsyncGenerator<Request> {
    for (;;) {
      for (const request of this.#requests.splice(0)) yield request;
      if (this.#requests.length > 0) continue;
      if (this.#over) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #break(error: unknown): void {
    for (const waiting of this.#waiting.values()) waiting.resolve({ kind: 'broken', error });
    this.#waiting.clear();
  }

  #watch(): void {
    this.#clock.after(Math.min(IDLE_MS, this.#timeoutMs), () => {
      const now = this.#clock.monotonic();
      const [oldest] = this.#waiting.values();
      if (oldest !== undefined && oldest.deadline <= now) {
        this.end();
        this.#break(new RpcError(Code.DEADLINE_EXCEEDED, `no answer within ${this.#timeoutMs} ms`));
        this.#abort.abort();
      } else if (oldest === undefined && (this.#over || now - this.#usedAt >= IDLE_MS)) {
        this.end();
      } else {
        this.#watch();
      }
    });
  }
}
