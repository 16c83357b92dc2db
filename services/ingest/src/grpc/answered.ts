import { Code, RpcError } from '@grapnel/rpc/errors';
import { Semaphore } from '@grapnel/runtime/semaphore';

/** What comes of a request that was taken in, some time later. */
export interface Taken<A> {
  readonly answer: Promise<A>;
}

/**
 * The answers to a stream of requests. Two activities share it: reading, which stops while `take` waits for room or
 * `window` answers wait to be fetched, and answering, in the order in which answers come. A stop of the server ends the
 * reading; what was read is still answered, then the stream ends as UNAVAILABLE.
 */
export async function* answered<Q, A>(
  requests: AsyncIterable<Q>,
  window: number,
  signal: AbortSignal,
  take: (request: Q) => Promise<Taken<A>>,
): AsyncGenerator<A> {
  const unanswered = new Semaphore(window);
  const answers = new Answers<A>();
  const reading = (async () => {
    for await (const request of untilSignal(requests, signal)) {
      await unanswered.acquire();
      answers.expect();
      try {
        const { answer } = await take(request);
        answer.then(
          (known) => answers.add(known),
          (error: unknown) => answers.fail(error),
        );
      } catch (error) {
        answers.unexpect();
        throw error;
      }
    }
  })();
  reading.then(
    () => answers.close(),
    (error: unknown) => (signal.aborted ? answers.close() : answers.fail(error)),
  );
  for await (const next of answers) {
    yield next;
    unanswered.release();
  }
  if (signal.aborted) throw endOf(signal);
}

/** Why the stream ends: the server's stop is worth another try elsewhere, soon. */
function endOf(signal: AbortSignal): RpcError {
  const { reason } = signal;
  if (!(reason instanceof RpcError) || reason.code !== Code.UNAVAILABLE)
    return new RpcError(Code.CANCELLED, 'cancelled');
  return RpcError.unavailable(`${reason.message}; events without an acknowledgement are to be sent again`, 100);
}

/** The source until it ends or the signal aborts, also while a read is pending. */
async function* untilSignal<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]();
  // One listener for the whole stream: racing each read against one promise would leave a reaction behind per event.
  let stop: () => void = () => {};
  signal.addEventListener('abort', () => stop(), { once: true });
  while (!signal.aborted) {
    const next = await new Promise<IteratorResult<T> | null>((resolve, reject) => {
      stop = () => resolve(null);
      iterator.next().then(resolve, reject);
    });
    if (next === null || next.done === true) return;
    yield next.value;
  }
}

/** Answers in the order of their coming; ends when no more are expected and the source is closed. */
class Answers<T> implements AsyncIterable<T> {
  #ready: T[] = [];
  #expected = 0;
  #closed = false;
  #failure: { readonly error: unknown } | null = null;
  #wake: () => void = () => {};

  expect(): void {
    this.#expected++;
  }

  unexpect(): void {
    this.#expected--;
  }

  add(answer: T): void {
    this.#expected--;
    this.#ready.push(answer);
    this.#wake();
  }

  close(): void {
    this.#closed = true;
    this.#wake();
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const ready = this.#ready;
      this.#ready = [];
      for (const answer of ready) yield answer;
      if (this.#ready.length > 0) continue;
      if (this.#failure !== null) throw this.#failure.error;
      if (this.#closed && this.#expected === 0) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
