import type { HourlyStatistics } from '@grapnel/contracts/gen/grapnel/query/v1/query_pb';
import type { z } from 'zod';
import type { HourlyStatistics as HourlyStatisticsSchema } from '../http/schemas/statistics.ts';
import { requiredTime } from './time.ts';

export function hourJson(hour: HourlyStatistics): z.output<typeof HourlyStatisticsSchema> {
  const responses = Number(hour.responses);
  return {
    hour: requiredTime(hour.hour, 'hour'),
    delivered: Number(hour.delivered),
    failed: Number(hour.failed),
    attempts: Number(hour.attempts),
    failed_attempts: Number(hour.failedAttempts),
    average_response_ms: responses === 0 ? null : Number(hour.responseMsSum) / responses,
  };
}
