import { EDGE_TEXTS } from '@grapnel/http-edge/texts';
import { z } from 'zod';
import { TEXTS } from '../../texts.ts';

const FieldProblem = z
  .object({
    field: z.string().describe('Path to the field, in the request’s own spelling.'),
    message: z.string(),
    code: z
      .string()
      .describe(
        'REQUIRED, INVALID_TYPE, INVALID_VALUE, TOO_SHORT, TOO_LONG, TOO_SMALL, TOO_LARGE, UNKNOWN_FIELD or FORBIDDEN_ADDRESS.',
      ),
  })
  .meta({
    id: 'FieldProblem',
    examples: [
      { field: 'event_types[0]', message: 'is not a known event type ("scrape.done")', code: 'INVALID_VALUE' },
    ],
  });

export const Problem = z.object({ success: z.literal(false), error: z.string() }).meta({
  id: 'Problem',
  description: 'What every answer other than a success looks like.',
  examples: [{ success: false, error: TEXTS.webhookNotFound }],
});

export const ValidationProblem = z
  .object({
    success: z.literal(false),
    error: z.literal(EDGE_TEXTS.validationError),
    message: z.string(),
    details: z.array(FieldProblem),
  })
  .meta({
    id: 'ValidationProblem',
    description: 'The request is wrong; every problem that was found is listed.',
    examples: [
      {
        success: false,
        error: EDGE_TEXTS.validationError,
        message: "specific_task_ids is required when scope is 'specific'",
        details: [
          {
            field: 'specific_task_ids',
            message: "specific_task_ids is required when scope is 'specific'",
            code: 'REQUIRED',
          },
        ],
      },
    ],
  });

/** A response as the OpenAPI document shows it: one sentence and its JSON. */
export function answer<T extends z.ZodType>(description: string, schema: T) {
  return { description, content: { 'application/json': { schema } } };
}

export const success = <T extends z.ZodType>(data: T) => z.object({ success: z.literal(true), data });

const EVERY_ROUTE = {
  401: answer('No API key, or not a valid one.', Problem),
  429: answer('Too much at once; `Retry-After` says when to try again.', Problem),
  500: answer('Something unexpected failed; the cause is in the log under the `x-request-id`.', Problem),
  503: answer('A service behind the API is away; `Retry-After` says when to try again.', Problem),
  504: answer('A service behind the API did not answer in time.', Problem),
};

const SOME_ROUTES = {
  400: answer('The request is wrong, or its body is not JSON.', z.union([ValidationProblem, Problem])),
  404: answer('There is no such thing, or it belongs to another tenant.', Problem),
  409: answer('The state of things does not allow it; the text says why.', Problem),
  413: answer('The body is too large.', z.union([ValidationProblem, Problem])),
  415: answer('The body is not JSON by its `Content-Type`, or has a `Content-Encoding`.', Problem),
};

/** The error responses of a route: those every route has, and the given ones. */
export function problems(...statuses: readonly (keyof typeof SOME_ROUTES)[]) {
  return { ...EVERY_ROUTE, ...Object.fromEntries(statuses.map((status) => [status, SOME_ROUTES[status]])) };
}
