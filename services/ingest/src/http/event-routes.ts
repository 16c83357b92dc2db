import type { TenantId } from '@grapnel/domain/ids';
import { type Violation, violation } from '@grapnel/domain/violation';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { AcceptEvents, Submission } from '../accept-events.ts';
import { MAX_BATCH_EVENTS } from '../limits.ts';
import type { Outcome } from '../outcome.ts';
import type { ApiKeys } from '../ports.ts';
import { tenantOf } from './authenticate.ts';
import { type Attributes, attributesOf, inCloudEventTerms, readCloudEvent } from './cloud-event.ts';
import type { Encoding } from './encoding.ts';
import { accepted, inputOf, nativeEvent, refused } from './native-event.ts';
import { Refusal } from './refusal.ts';
import { acceptedOrRefused } from './replies.ts';

declare module 'fastify' {
  interface FastifyRequest {
    tenant: TenantId;
  }
}

export const EVENTS_PATH = '/v1/events';

/** `POST /v1/events`: one route for each way of writing an event. */
export function addEventRoutes(server: FastifyInstance, accept: AcceptEvents, keys: ApiKeys): void {
  server.decorateRequest('tenant', '');
  const only = (encoding: Encoding) => ({
    constraints: { encoding },
    // Before the body is read: whoever has no key costs nothing.
    async onRequest(request: FastifyRequest) {
      request.tenant = tenantOf(request.headers.authorization, keys);
    },
  });
  const hidden = { schema: { hide: true } };

  server.withTypeProvider<ZodTypeProvider>().post(
    EVENTS_PATH,
    {
      ...only('native'),
      schema: {
        summary: 'Hand in an event',
        description:
          'Answers once the event is durably stored. CloudEvents 1.0 (structured, batch, binary) are taken on the same path.',
        security: [{ apiKey: [] }],
        body: nativeEvent,
        response: {
          202: accepted,
          400: refused,
          401: refused,
          413: refused,
          415: refused,
          429: refused,
          500: refused,
          503: refused,
        },
      },
    },
    async (request, reply) => {
      const outcome = await accept.accept({ ...callerOf(request), input: inputOf(request.body) });
      return reply.code(202).send({ success: true, data: acceptedOrRefused(outcome) });
    },
  );

  const one = async (request: FastifyRequest, attributes: Attributes, data: unknown) => {
    const outcome = await accept.accept(submissionOf(request, attributes, data, ''));
    return { success: true, data: acceptedOrRefused(inTheirTerms(outcome)) };
  };
  server.post(EVENTS_PATH, { ...only('structured'), ...hidden }, async (request, reply) => {
    const { data, ...attributes } = objectOf(request.body, 'body');
    return reply.code(202).send(await one(request, attributes, data));
  });
  server.post(EVENTS_PATH, { ...only('binary'), ...hidden }, async (request, reply) =>
    reply.code(202).send(await one(request, attributesOf(request.headers), request.body)),
  );
  server.post(EVENTS_PATH, { ...only('batch'), ...hidden }, async (request, reply) => {
    const submissions = batchOf(request.body).map((element, n) => {
      const { data, ...attributes } = objectOf(element, `events[${n}]`);
      return submissionOf(request, attributes, data, `events[${n}].`);
    });
    const outcomes = await accept.acceptTogether(submissions);
    const events = outcomes.map((outcome) => acceptedOrRefused(inTheirTerms(outcome)));
    return reply.code(202).send({ success: true, data: { events } });
  });
}

function callerOf({ tenant, headers }: FastifyRequest): Omit<Submission, 'input'> {
  return { tenant, traceparent: headers['traceparent']?.toString() ?? null };
}

function submissionOf(request: FastifyRequest, attributes: Attributes, data: unknown, at: string): Submission {
  const read = readCloudEvent(attributes, data);
  if (!read.ok) throw Refusal.invalid(read.error.map((wrong) => ({ ...wrong, field: at + wrong.field })));
  const caller = callerOf(request);
  return { ...caller, input: read.value.input, traceparent: read.value.traceparent ?? caller.traceparent };
}

function inTheirTerms(outcome: Outcome): Outcome {
  return outcome.kind === 'invalid' ? { ...outcome, violations: outcome.violations.map(inCloudEventTerms) } : outcome;
}

function objectOf(value: unknown, field: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw Refusal.invalid([wrongType(field, 'must be an object: one CloudEvent')]);
}

function batchOf(body: unknown): readonly unknown[] {
  if (!Array.isArray(body)) throw Refusal.invalid([wrongType('body', 'must be an array of CloudEvents')]);
  if (body.length <= MAX_BATCH_EVENTS) return body;
  const message = `has ${body.length} events; at most ${MAX_BATCH_EVENTS} are allowed`;
  throw Refusal.invalid([violation('body', 'TOO_LONG', message)]);
}

const wrongType = (field: string, message: string): Violation => violation(field, 'INVALID_TYPE', message);
