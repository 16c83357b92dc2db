import type { Clock } from '@grapnel/runtime/clock';
import { CommandError } from '../command-error.ts';

const LOOK_EVERY_MS = 50;
const ANSWER_WITHIN_MS = 5_000;

export interface Patience {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly withinMs: number;
}

/**
 * Asks until `probe` has no complaint.
 * @throws CommandError with the last complaint when the time is over
 */
export async function until(
  what: string,
  probe: () => Promise<string | null>,
  { clock, signal, withinMs }: Patience,
): Promise<void> {
  const deadline = clock.monotonic() + withinMs;
  for (;;) {
    signal.throwIfAborted();
    const complaint = await probe().catch((error: unknown) => String(error));
    if (complaint === null) return;
    if (clock.monotonic() > deadline) {
      throw new CommandError(`${what} was not ready within ${Math.round(withinMs / 1_000)} s: ${complaint}`);
    }
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}

/** What a service says at `/readyz`; `null` when it is ready. */
export async function readyz(ops: string): Promise<string | null> {
  const response = await fetch(`${ops}/readyz`, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
  if (response.ok) return null;
  const { problems = {} } = (await response.json()) as { readonly problems?: Readonly<Record<string, string>> };
  return Object.entries(problems)
    .map(([part, reason]) => `${part}: ${reason}`)
    .join(', ');
}

/** Whether the REST API knows a key yet. */
export async function keyAtGateway(gateway: string, apiKey: string): Promise<string | null> {
  const response = await call(`${gateway}/v1/webhook-events`, apiKey, {});
  return response.ok ? null : `the REST API answers ${response.status}`;
}

/** Whether ingest knows a key yet. An empty event is wrong for everybody, but strangers hear nothing of that. */
export async function keyAtIngest(ingest: string, apiKey: string): Promise<string | null> {
  const response = await call(`${ingest}/v1/events`, apiKey, { method: 'POST', body: '{}' });
  return response.status === 400 ? null : `ingest answers ${response.status}`;
}

async function call(url: string, apiKey: string, init: RequestInit): Promise<Response> {
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' };
  const response = await fetch(url, { ...init, headers, signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
  await response.body?.cancel();
  return response;
}
