import { type Replay, Replay_Status as Status } from '@grapnel/contracts/gen/grapnel/subscription/v1/replay_pb';
import type { ReplayableStatus } from '@grapnel/domain/replay/replay';
import type { z } from 'zod';
import type { REPLAY_STATES, Replay as ReplaySchema } from '../http/schemas/replay.ts';
import { isoTime, requiredTime } from './time.ts';

const STATES: Readonly<Partial<Record<Status, (typeof REPLAY_STATES)[number]>>> = {
  [Status.REQUESTED]: 'requested',
  [Status.RUNNING]: 'running',
  [Status.FINISHED]: 'finished',
  [Status.CANCELLED]: 'cancelled',
  [Status.FAILED]: 'failed',
};

export function replayJson(replay: Replay): z.output<typeof ReplaySchema> {
  const status = STATES[replay.status];
  if (status === undefined) throw new Error(`unknown status of a replay: ${replay.status}`);
  return {
    replay_id: replay.id,
    webhook_id: replay.webhookId,
    status,
    detail: replay.detail === '' ? null : replay.detail,
    filter: {
      status: replay.statuses as ReplayableStatus[],
      from: isoTime(replay.from),
      to: requiredTime(replay.to, 'to'),
      event_types: replay.eventTypes,
    },
    rate_per_second: replay.ratePerSecond,
    progress: {
      found: Number(replay.found),
      queued: Number(replay.queued),
      skipped: Number(replay.skipped),
      failed: Number(replay.failed),
      position: isoTime(replay.position),
    },
    round: Number(replay.round),
    created_at: requiredTime(replay.createdAt, 'created_at'),
    ended_at: isoTime(replay.endedAt),
  };
}
