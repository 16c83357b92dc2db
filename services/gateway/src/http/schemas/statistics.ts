import { z } from 'zod';
import { count, time, timestamp } from './fields.ts';

export const StatisticsQuery = z.strictObject({
  from: time.optional().describe('Absent: 24 hours before `to`.'),
  to: time.optional().describe('Absent: now. At most 31 days after `from`.'),
});

export const HourlyStatistics = z
  .object({
    hour: timestamp,
    delivered: count,
    failed: count,
    attempts: count,
    failed_attempts: count,
    average_response_ms: z.number().nullable().describe('Over the attempts that got an answer.'),
  })
  .meta({ id: 'HourlyStatistics' });

export const HourlyStatisticsPage = z.object({
  success: z.literal(true),
  data: z.array(HourlyStatistics),
  meta: z.object({ from: timestamp, to: timestamp }),
});
