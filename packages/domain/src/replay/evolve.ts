import { unreachable } from '../result.ts';
import { NOTHING_COUNTED, type Replay, type ReplayCounts, type ReplayEvent } from './replay.ts';

/** The state after `event`. Events that do not fit the state are bugs of the decider, and throw. */
export function evolve(replay: Replay | null, event: ReplayEvent): Replay {
  if (event.type === 'requested') {
    if (replay !== null) throw new Error('a replay is requested once');
    const { id, tenant, webhookId, filter, ratePerSecond, at } = event;
    return {
      ...{ id, tenant, webhookId, filter, ratePerSecond },
      round: at,
      status: { kind: 'requested' },
      counts: NOTHING_COUNTED,
      page: null,
      position: null,
      createdAt: at,
    };
  }
  if (replay === null) throw new Error(`${event.type} needs a replay`);
  const { at } = event;
  switch (event.type) {
    case 'claimed':
    case 'renewed':
      return { ...replay, status: { kind: 'running', lease: { runner: event.runner, at } } };
    case 'advanced':
      return {
        ...afterPage(replay, event.done),
        status: { kind: 'running', lease: { runner: event.runner, at } },
        page: event.page,
      };
    case 'released':
      return { ...replay, status: { kind: 'running', lease: null } };
    case 'finished':
      return { ...afterPage(replay, event.done), status: { kind: 'finished', at } };
    case 'cancelled':
      return { ...replay, status: { kind: 'cancelled', at } };
    case 'settled':
      return afterPage(replay, event.done);
    case 'failed':
      return { ...replay, status: { kind: 'failed', at, detail: event.detail }, page: null };
    default:
      return unreachable(event);
  }
}

function afterPage(replay: Replay, done: ReplayCounts): Replay {
  const { counts, page, position } = replay;
  return {
    ...replay,
    counts: {
      found: counts.found + done.found,
      queued: counts.queued + done.queued,
      skipped: counts.skipped + done.skipped,
      failed: counts.failed + done.failed,
    },
    page: null,
    position: page?.position ?? position,
  };
}
