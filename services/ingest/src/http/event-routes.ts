import { requireApiKey } from '@grapnel/http-edge/authenticate';
import type { IncomingEvents } from '@grapnel/http-edge/events/incoming-event';
import { addEventRoute } from '@grapnel/http-edge/events/routes';
import { Published } from '@grapnel/http-edge/events/schema';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { AcceptEvents, Submission } from '../accept-events.ts';
import type { ApiKeys } from '../ports.ts';
import { acceptedOrProblem } from './replies.ts';

const problem = z.object({
  success: z.literal(false),
  error: z.string(),
  message: z.string().optional(),
  details: z.array(z.object({ field: z.string(), message: z.string(), code: z.string() })).optional(),
});

/** `POST /events` below `/v1`: in our own form and as CloudEvents. */
export function addEventRoutes(scope: FastifyInstance, accept: AcceptEvents, keys: ApiKeys): void {
  requireApiKey(scope, keys);
  addEventRoute(scope, {
    schema: {
      summary: 'Publish an event',
      description:
        'Answers after the event is stored, never before. CloudEvents 1.0 (structured, batch, binary) are taken on the same path.',
      security: [{ apiKey: [] }],
      response: {
        202: z.object({ success: z.literal(true), data: Published }),
        ...Object.fromEntries([400, 401, 409, 413, 415, 429, 500, 503].map((status) => [status, problem])),
      },
    },
    refused: (type) => accept.refused(type),
    async publish(incoming, request) {
      const submissions = submissionsOf(incoming, request);
      const outcomes = incoming.batch
        ? await accept.acceptTogether(request.tenant, submissions)
        : await Promise.all(submissions.map((submission) => accept.accept(submission)));
      return outcomes.map(acceptedOrProblem);
    },
  });
}

function submissionsOf({ events }: IncomingEvents, { tenant, headers }: FastifyRequest): Submission[] {
  const callers = headers['traceparent']?.toString() ?? null;
  return events.map(({ input, traceparent }) => ({ tenant, input, traceparent: traceparent ?? callers }));
}
