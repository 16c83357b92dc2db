import { Backoff } from '@grapnel/runtime/backoff';
import { type Clock, systemClock } from '@grapnel/runtime/clock';
import { CommandError } from '../command-error.ts';
import { type Rest, RestError } from '../rest.ts';
import type { Delivery } from './deliveries.ts';
import { SseParser } from './sse.ts';

/** Follows deliveries for ever; an interruption is bridged, from the last one that was seen. */
export async function* tailDeliveries(
  rest: Rest,
  webhook: string | undefined,
  say: (line: string) => void,
  clock: Clock = systemClock,
): AsyncIterable<Delivery> {
  const path = webhook === undefined ? '/deliveries/tail' : `/webhooks/${encodeURIComponent(webhook)}/deliveries/tail`;
  const backoff = new Backoff(clock, { firstMs: 200, maxMs: 5_000 });
  const ended = new AbortController();
  let cursor = '';
  let opened = false;
  for (;;) {
    try {
      const query = cursor === '' ? '' : `?cursor=${cursor}`;
      const response = await rest.open('GET', path + query, undefined, ended.signal);
      if (!opened) say('following (Ctrl-C ends it)');
      opened = true;
      const parser = new SseParser();
      for await (const bytes of response.body ?? []) {
        for (const { id, data } of parser.push(bytes)) {
          backoff.reset();
          cursor = id;
          yield JSON.parse(data) as Delivery;
        }
      }
    } catch (error) {
      // What was wrong from the beginning, or is the caller's fault, will not get better.
      const hopeless = error instanceof RestError ? error.status < 500 && error.status !== 429 : false;
      if (!opened || hopeless) throw error;
      if (!(error instanceof CommandError || error instanceof TypeError)) throw error;
    }
    await backoff.wait();
  }
}
