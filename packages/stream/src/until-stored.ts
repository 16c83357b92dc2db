import type { NewMessage } from '@grapnel/contracts/message';
import { Backoff } from '@grapnel/runtime/backoff';
import type { Clock } from '@grapnel/runtime/clock';
import { type EventStreams, type Stored, StoreUnavailable } from './ports.ts';

/**
 * Publishes again until the store confirms; ids make repeats harmless. For stages that hold an unacknowledged message: if
 * this process ends first, the message comes again.
 * @throws the signal's reason, {@link StoreUnavailable} where trying again cannot help
 */
export function publishUntilStored(
  streams: EventStreams,
  message: NewMessage,
  clock: Clock,
  signal: AbortSignal,
): Promise<Stored> {
  return streams.publish(message).catch((error: unknown) => publishAgain(error, streams, message, clock, signal));
}

async function publishAgain(
  firstError: unknown,
  streams: EventStreams,
  message: NewMessage,
  clock: Clock,
  signal: AbortSignal,
): Promise<Stored> {
  const backoff = new Backoff(clock);
  for (let error = firstError; ; ) {
    if (!(error instanceof StoreUnavailable && error.retryable)) throw error;
    await backoff.wait(signal);
    try {
      return await streams.publish(message);
    } catch (next) {
      error = next;
    }
  }
}
