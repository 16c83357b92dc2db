import { REPLAY_LIMITS } from '@grapnel/domain/replay/check-filter';
import { REPLAYABLE } from '@grapnel/domain/replay/replay';
import { z } from 'zod';
import { count, list, queryNumber, text, time, timestamp, wholeNumber } from './fields.ts';

const status = z.enum(REPLAYABLE);

export const RequestReplay = z
  .strictObject({
    status: z
      .union([status, list(status, { min: 1, max: REPLAYABLE.length })])
      .optional()
      .describe('Which deliveries, by what became of them; `failed` when absent.'),
    from: time.optional().describe('Created at or after this time. Without an offset it is UTC.'),
    to: time.optional().describe('Created before this time; at most, and by default, now.'),
    event_types: list(text({ min: 1, max: REPLAY_LIMITS.eventTypes.chars }), REPLAY_LIMITS.eventTypes)
      .optional()
      .describe('Types, or `family.*`; all when absent.'),
    rate_per_second: wholeNumber(REPLAY_LIMITS.ratePerSecond)
      .optional()
      .describe('How many deliveries are queued a second; 200 unless the deployment says otherwise.'),
  })
  .optional()
  .meta({
    id: 'RequestReplay',
    examples: [
      { status: 'failed', from: '2026-01-27T10:00:00Z', to: '2026-01-27T12:00:00Z', event_types: ['crawl.*'] },
    ],
  });

export const REPLAY_STATES = ['requested', 'running', 'finished', 'cancelled', 'failed'] as const;

export const Replay = z
  .object({
    replay_id: z.string().meta({ examples: ['rpl_06f8k2m1q9w3e5r7t0y2v4x6z8'] }),
    webhook_id: z.string(),
    status: z.enum(REPLAY_STATES).describe('The first two are under way, the others final.'),
    detail: z.string().nullable().describe('Why it failed.'),
    filter: z.object({
      status: z.array(status),
      from: timestamp.nullable(),
      to: timestamp,
      event_types: z.array(z.string()).describe('Empty: all.'),
    }),
    rate_per_second: count,
    progress: z.object({
      found: count.describe('Deliveries that the filter has found so far, newest first.'),
      queued: count.describe('On their way again, or sent.'),
      skipped: count.describe('Tests, and deliveries that were replayed since.'),
      failed: count.describe('Their payload is no longer kept.'),
      position: timestamp.nullable().describe('What was created after this time is done.'),
    }),
    round: count.describe('`round` of the attempts it makes.'),
    created_at: timestamp,
    ended_at: timestamp.nullable(),
  })
  .meta({ id: 'Replay' });

export const ReplaysQuery = z.strictObject({
  webhook_id: text({ min: 1, max: 64 }).optional().describe('Only of this webhook.'),
  limit: queryNumber({ min: 1, max: 1_000 }).optional().meta({ default: 100 }),
  cursor: text({ min: 1, max: 64 }).optional().describe('`meta.next_cursor` of the page before.'),
});

export const ReplayPage = z.object({
  success: z.literal(true),
  data: z.array(Replay).describe('Newest first.'),
  meta: z.object({ next_cursor: z.string().nullable().describe('`null` on the last page.') }),
});
