import { z } from 'zod';
import { count, timestamp } from './fields.ts';

export const EndpointState = z
  .object({
    state: z
      .enum(['ok', 'left_alone', 'probing'])
      .describe(
        '`left_alone`: nothing is sent before `until`; `probing`: one attempt is finding out whether it is back.',
      ),
    reason: z
      .enum(['no_answer', 'retry_after'])
      .nullable()
      .describe('`no_answer`: many attempts in a row got none; `retry_after`: the endpoint asked for it.'),
    since: timestamp.nullable(),
    until: timestamp.nullable(),
    concurrency_limit: count.nullable().describe('Attempts at once, as learned; null: nothing was sent there lately.'),
    in_flight: count.nullable(),
    queued: count.nullable(),
    waiting: count.nullable().describe('Put off because of the endpoint, and not yet back.'),
  })
  .meta({ id: 'EndpointState' });
