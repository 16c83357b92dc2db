import { type Violation, type ViolationCode, violation } from '@grapnel/domain/violation';
import type { Logger } from '@grapnel/runtime/logger';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors, type ZodFastifySchemaValidationError } from 'fastify-type-provider-zod';
import { BATCH_TYPE, STRUCTURED_TYPE } from './encoding.ts';
import { REQUIRED } from './native-event.ts';
import { bodyOf, Refusal } from './refusal.ts';
import { MAX_BODY_BYTES } from './request-body.ts';

/** Writes whatever went wrong in the one form that clients know. */
export function answerError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  logger: Logger,
): FastifyReply {
  const refusal = refusalOf(error);
  if (refusal === null) {
    logger.error({ err: error, route: request.routeOptions.url }, 'a request failed unexpectedly');
    return reply.code(500).send({ success: false, error: 'internal error' });
  }
  if (refusal.retryAfterMs !== null) reply.header('retry-after', Math.max(1, Math.ceil(refusal.retryAfterMs / 1_000)));
  if (refusal.status === 401) reply.header('www-authenticate', 'Bearer');
  return reply.code(refusal.status).send(bodyOf(refusal));
}

function refusalOf(error: unknown): Refusal | null {
  if (error instanceof Refusal) return error;
  if (hasZodFastifySchemaValidationErrors(error)) return Refusal.invalid(error.validation.flatMap(violationsOf));
  const { statusCode, code, message } = error as Partial<FastifyError>;
  if (statusCode === 413) return Refusal.tooLarge(MAX_BODY_BYTES);
  if (statusCode === 415) {
    return new Refusal(415, `the content type must be application/json, ${STRUCTURED_TYPE} or ${BATCH_TYPE}`);
  }
  // What is wrong with the request as HTTP: its URL, its length.
  if (statusCode !== undefined && statusCode < 500 && code?.startsWith('FST_') === true) {
    return new Refusal(statusCode, message ?? 'bad request');
  }
  return null;
}

/** A zod issue; an object's unknown keys are one violation each. */
function violationsOf({ keyword, instancePath, message = '', params }: ZodFastifySchemaValidationError): Violation[] {
  const field = instancePath.slice(1).replaceAll('/', '.') || 'body';
  if (keyword === 'unrecognized_keys') {
    const { keys } = params as unknown as { keys: readonly string[] };
    return keys.map((key) => violation(key.slice(0, 128), 'UNKNOWN_FIELD', 'is not a field of an event'));
  }
  // How zod says that a value of any type is missing.
  if (params['expected'] === 'nonoptional') return [violation(field, 'REQUIRED', REQUIRED)];
  return [violation(field, codeOf(keyword, message), message)];
}

function codeOf(keyword: string, message: string): ViolationCode {
  // To zod, what is missing has the wrong type; only our text tells.
  if (message === REQUIRED) return 'REQUIRED';
  return keyword === 'invalid_type' ? 'INVALID_TYPE' : 'INVALID_VALUE';
}
