import { isReplayId } from '@grapnel/domain/ids';
import { HttpProblem } from '@grapnel/http-edge/problem';
import { z } from 'zod';
import { TEXTS } from '../../texts.ts';
import { replayJson } from '../../views/replay.ts';
import { timestampOf } from '../../views/time.ts';
import { callOptions } from '../calls.ts';
import { answer, problems, success } from '../schemas/answers.ts';
import { parseTime } from '../schemas/fields.ts';
import { NoBody } from '../schemas/no-body.ts';
import { Replay, ReplayPage, ReplaysQuery, RequestReplay } from '../schemas/replay.ts';
import { type Api, BEARER, checkWebhookId, type Routes, SUCCESS, WebhookParams } from './api.ts';

const shared = { tags: ['Replays'], security: BEARER };

const replayId = z
  .string()
  .describe('`replay_id` of a replay.')
  .meta({ examples: ['rpl_06f8k2m1q9w3e5r7t0y2v4x6z8'] });
const ReplayParams = z.object({ replayId });

/** AC-13, in bulk. */
export function replayRoutes(app: Routes, { backends }: Api): void {
  const { replays } = backends;

  app.route({
    method: 'POST',
    url: '/webhooks/:webhookId/replay',
    schema: {
      ...shared,
      operationId: 'replayDeliveries',
      summary: 'Send many deliveries again',
      description:
        'Makes a job that finds the deliveries and queues them at the given rate, behind live traffic: same payload ' +
        'bytes, same delivery ids, new attempts. One at a time for each webhook.',
      params: WebhookParams,
      body: RequestReplay,
      response: {
        202: answer('The job.', success(Replay).extend({ message: z.literal(TEXTS.replayRequested) })),
        ...problems(400, 404, 409, 413, 415),
      },
    },
    async handler(request, reply) {
      const { webhookId } = request.params;
      checkWebhookId(webhookId);
      const { status = [], from, to, event_types: eventTypes = [], rate_per_second: rate } = request.body ?? {};
      const replay = await replays.createReplay(
        {
          webhookId,
          statuses: typeof status === 'string' ? [status] : status,
          ...(from !== undefined && { from: timestampOf(parseTime(from) ?? 0) }),
          ...(to !== undefined && { to: timestampOf(parseTime(to) ?? 0) }),
          eventTypes,
          ...(rate !== undefined && { ratePerSecond: rate }),
        },
        callOptions(request, reply),
      );
      void reply.code(202);
      return { ...SUCCESS, message: TEXTS.replayRequested, data: replayJson(replay) };
    },
  });

  app.route({
    method: 'GET',
    url: '/replays',
    schema: {
      ...shared,
      operationId: 'listReplays',
      summary: 'List bulk replays',
      description: 'Those under way and those that have ended, of all webhooks or of one.',
      querystring: ReplaysQuery,
      response: { 200: answer('One page.', ReplayPage), ...problems(400, 404) },
    },
    async handler(request, reply) {
      const { webhook_id: webhookId = '', limit: pageSize = 100, cursor: pageToken = '' } = request.query;
      if (webhookId !== '') checkWebhookId(webhookId);
      const page = await replays.listReplays({ webhookId, pageSize, pageToken }, callOptions(request, reply));
      const next = page.nextPageToken === '' ? null : page.nextPageToken;
      return { ...SUCCESS, data: page.replays.map(replayJson), meta: { next_cursor: next } };
    },
  });

  app.route({
    method: 'GET',
    url: '/replays/:replayId',
    schema: {
      ...shared,
      operationId: 'getReplay',
      summary: 'See how far a bulk replay is',
      description: 'What was found and queued so far, and down to which time of creation all is done.',
      params: ReplayParams,
      response: { 200: answer('The job.', success(Replay)), ...problems(404) },
    },
    async handler(request, reply) {
      const replay = await replays.getReplay(checked(request.params), callOptions(request, reply));
      return { ...SUCCESS, data: replayJson(replay) };
    },
  });

  app.route({
    method: 'POST',
    url: '/replays/:replayId/cancel',
    schema: {
      ...shared,
      operationId: 'cancelReplay',
      summary: 'Stop a bulk replay',
      description: 'Nothing more is queued; what is queued already is still sent. Again: changes nothing.',
      params: ReplayParams,
      body: NoBody,
      response: {
        200: answer('The job.', success(Replay).extend({ message: z.literal(TEXTS.replayCancelled) })),
        ...problems(400, 404, 409, 413, 415),
      },
    },
    async handler(request, reply) {
      const replay = await replays.cancelReplay(checked(request.params), callOptions(request, reply));
      return { ...SUCCESS, message: TEXTS.replayCancelled, data: replayJson(replay) };
    },
  });
}

/** An id of the wrong form names nothing. */
function checked({ replayId: id }: z.output<typeof ReplayParams>): { replayId: string } {
  if (!isReplayId(id)) throw HttpProblem.notFound(TEXTS.replayNotFound);
  return { replayId: id };
}
