import type { Readable } from 'node:stream';
import { Code, RpcError } from './errors.ts';

/**
 * The requests of a bidirectional call, one at a time and no further ahead than the stream's own small buffer. The
 * stream's built-in iterator would not do: it destroys the call at the end of the requests, and when the call is ended
 * with an error status, before the answers or the status were written.
 */
export async function* requestsOf(call: Readable): AsyncGenerator {
  let ended = false;
  let gone = false;
  let wake = (): void => {};
  const listeners: Record<string, () => void> = {
    readable: () => wake(),
    end() {
      ended = true;
      wake();
    },
    error: left,
    close: left,
  };
  function left(): void {
    gone = true;
    wake();
  }
  for (const [event, listener] of Object.entries(listeners)) call.on(event, listener);
  try {
    for (;;) {
      const request: unknown = gone ? null : call.read();
      if (request !== null) {
        yield request;
      } else if (ended) {
        return;
      } else if (gone) {
        throw new RpcError(Code.CANCELLED, 'the call is over');
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    for (const [event, listener] of Object.entries(listeners)) call.off(event, listener);
  }
}
