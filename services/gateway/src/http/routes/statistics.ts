import { HttpProblem } from '@grapnel/http-edge/problem';
import { assertWebhook } from '../../use-cases/webhooks.ts';
import { hourJson } from '../../views/statistics.ts';
import { timestampOf } from '../../views/time.ts';
import { callOptions } from '../calls.ts';
import { answer, problems } from '../schemas/answers.ts';
import { parseTime } from '../schemas/fields.ts';
import { HourlyStatisticsPage, StatisticsQuery } from '../schemas/statistics.ts';
import { type Api, BEARER, checkWebhookId, type Routes, SUCCESS, WebhookParams } from './api.ts';

const DAY_MS = 86_400_000;
const MAX_RANGE_MS = 31 * DAY_MS;

/** Deliveries and latencies by hour. */
export function statisticsRoutes(app: Routes, { backends, clock }: Api): void {
  app.route({
    method: 'GET',
    url: '/webhooks/:webhookId/statistics',
    schema: {
      tags: ['Deliveries'],
      security: BEARER,
      operationId: 'webhookStatistics',
      summary: 'Deliveries of a webhook by hour',
      description: 'Hours in which nothing happened are left out.',
      params: WebhookParams,
      querystring: StatisticsQuery,
      response: { 200: answer('The hours, oldest first.', HourlyStatisticsPage), ...problems(400, 404) },
    },
    async handler(request, reply) {
      const { webhookId } = request.params;
      checkWebhookId(webhookId);
      const { from, to } = rangeOf(request.query, clock.now());
      const options = callOptions(request, reply);
      await assertWebhook(backends, webhookId, options);
      const { hours } = await backends.history.getHourlyStatistics(
        { webhookId, from: timestampOf(from), to: timestampOf(to) },
        options,
      );
      return {
        ...SUCCESS,
        data: hours.map(hourJson),
        meta: { from: new Date(from).toISOString(), to: new Date(to).toISOString() },
      };
    },
  });
}

function rangeOf(
  query: { from?: string | undefined; to?: string | undefined },
  now: number,
): { from: number; to: number } {
  const to = query.to === undefined ? now : (parseTime(query.to) ?? now);
  const from = query.from === undefined ? to - DAY_MS : (parseTime(query.from) ?? to - DAY_MS);
  if (from <= to && to - from <= MAX_RANGE_MS) return { from, to };
  const message = from > to ? 'must not be before from' : 'must be at most 31 days after from';
  throw HttpProblem.invalid([{ field: 'to', code: 'INVALID_VALUE', message }]);
}
