import { isFree } from '@grapnel/domain/replay/decide';
import { isUnderWay, type Replay } from '@grapnel/domain/replay/replay';
import { counter } from '@grapnel/runtime/instruments';
import type { Logger } from '@grapnel/runtime/logger';
import { commandReplay } from './command-replay.ts';
import { type RunContext, runReplay } from './run-replay.ts';
import { type TurnRejection, takeTurn } from './turn.ts';

export interface RunnerContext extends RunContext {
  readonly logger: Logger;
}

/** Replays that one process works on at once. */
const MAX_AT_ONCE = 8;
/** How often a process looks for replays whose runner has gone silent. */
const LOOK_MS = 2_000;

const ended = counter('grapnel.replays.ended', { description: 'Bulk replays by how they ended.' });

/**
 * Works on the replays that nobody else works on, until `signal` aborts. Which these are is read from the records alone,
 * so a replay survives every process; two processes that want the same one settle it by who stores the claim.
 */
export async function runReplays(context: RunnerContext, signal: AbortSignal): Promise<void> {
  const running = new Map<string, Promise<void>>();
  const { directory, clock } = context;
  let wake = Promise.withResolvers<void>();
  const stopListening = directory.listen((change) => {
    if (change.kind === 'record' && change.of === 'replay') wake.resolve();
  });
  while (!signal.aborted) {
    for (const { state: replay } of context.replays.all()) {
      if (running.size >= MAX_AT_ONCE) break;
      if (running.has(replay.id) || !isUnderWay(replay) || !isFree(replay, clock.now())) continue;
      const work = take(context, replay, signal).finally(() => {
        running.delete(replay.id);
        wake.resolve();
      });
      running.set(replay.id, work);
    }
    await Promise.race([wake.promise, clock.sleep(LOOK_MS, signal).catch(() => {})]);
    wake = Promise.withResolvers();
  }
  stopListening();
  await Promise.all(running.values());
}

/** One replay, from the claim to its end or ours. Deals with its own errors. */
async function take(context: RunnerContext, replay: Replay, signal: AbortSignal): Promise<void> {
  const { clock, runner, logger } = context;
  const { tenant, id } = replay;
  try {
    const claimed = await commandReplay(context, tenant, id, { type: 'claim', at: clock.now(), runner });
    if (!claimed.ok) return;
    // Whoever made it may have been so late that the turn had passed to another.
    const turn = await takeTurn(context, claimed.value);
    const over = turn.ok ? await runReplay(context, claimed.value, signal) : await giveUp(context, replay, turn.error);
    if (over === null) return;
    ended.add(1, { status: over.status.kind });
    logger.info({ replay: id, status: over.status.kind, ...over.counts }, 'a bulk replay has ended');
  } catch (error) {
    if (!signal.aborted) {
      logger.error({ err: error, replay: id }, 'a bulk replay was interrupted; it goes on when its lease has run out');
      // It may well be free to take again: without a pause that would be tried without end while the store is away.
      await clock.sleep(LOOK_MS, signal).catch(() => {});
      return;
    }
    // Somebody else need not wait for the lease to run out. If this fails, it does.
    await commandReplay(context, tenant, id, { type: 'release', at: clock.now(), runner }).catch(() => {});
  }
}

/** For a replay that is not to be worked on; `null` when whoever comes next should look again. */
async function giveUp(context: RunnerContext, { tenant, id }: Replay, why: TurnRejection): Promise<Replay | null> {
  const { clock, runner } = context;
  const at = clock.now();
  const detail = why.kind === 'under_way' ? `replay ${why.id} of this webhook was first` : null;
  const done = await commandReplay(
    context,
    tenant,
    id,
    detail === null ? { type: 'release', at, runner } : { type: 'fail', at, runner, detail },
  );
  return done.ok && detail !== null ? done.value : null;
}
