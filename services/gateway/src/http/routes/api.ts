import type { IncomingMessage, ServerResponse } from 'node:http';
import { isDeliveryId, isWebhookId } from '@grapnel/domain/ids';
import { HttpProblem } from '@grapnel/http-edge/problem';
import type { Clock } from '@grapnel/runtime/clock';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ApiKeys, Backends } from '../../ports.ts';
import { TEXTS } from '../../texts.ts';
import type { OpenTails } from '../../use-cases/open-tails.ts';

/** What the routes work with. */
export interface Api {
  readonly backends: Backends;
  readonly keys: ApiKeys;
  readonly clock: Clock;
  readonly tails: OpenTails;
  /** Where callers of triggers reach the platform; `null`: nobody has said. */
  readonly triggersUrl: string | null;
  /** How long the answer to a test may wait for what becomes of it. */
  readonly testWaitMs: number;
}

/** Where routes are added: bodies, queries and params are typed by their schemas. */
export type Routes = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** What every answer that is a success begins with. */
export const SUCCESS = { success: true } as const;
export const BEARER = [{ apiKey: [] }];

const webhookId = z
  .string()
  .describe('`uuid` of a webhook.')
  .meta({ examples: ['wh_06f8k2m1q9w3e5r7t0y2v4x6z8'] });
const deliveryId = z
  .string()
  .describe('`uuid` of a delivery.')
  .meta({ examples: ['dlv_3g5k7m9p1r3t5v7x9z1b3d5f7h'] });

export const WebhookParams = z.object({ webhookId });
export const DeliveryParams = z.object({ webhookId, deliveryId });

/** An id of the wrong form names nothing: no question to any service. */
export function checkWebhookId(id: string): void {
  if (!isWebhookId(id)) throw HttpProblem.notFound(TEXTS.webhookNotFound);
}

export function checkDeliveryId(id: string): void {
  if (!isDeliveryId(id)) throw HttpProblem.notFound(TEXTS.deliveryNotFound);
}
