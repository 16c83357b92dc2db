import { SKIP_REASONS } from '@grapnel/domain/delivery/outcome';
import { isDeliveryId, isEventId, isTenantId, isWebhookId } from '@grapnel/domain/ids';
import * as z from 'zod';

// What a message must look like for its row to be storable. Only what the history keeps is named; the rest is dropped.

const MAX_INTEGER = 2_147_483_647;
const time = z.number().int().min(0).max(8.64e15);
const position = z.number().int().min(0);
const integer = z.number().int().min(0).max(MAX_INTEGER);
/** Postgres has no NUL in text, and half a surrogate pair is not Unicode. */
const text = z.string().transform((value) => value.replaceAll('\0', '\ufffd').toWellFormed());
const short = text.pipe(z.string().max(4_096));
const headers = z.record(text, text);
/** The first 1,000 characters are kept. */
const excerpt = text.transform((value) => value.slice(0, 1_000).toWellFormed());

export const delivery = z.object({
  id: z.string().refine(isDeliveryId),
  tenant: z.string().refine(isTenantId),
  webhookId: z.string().refine(isWebhookId),
  eventId: z.string().refine(isEventId),
  eventType: short,
  jobId: short.nullable(),
  taskId: short.nullable(),
  eventTime: time,
  createdAt: time,
  test: z.boolean(),
  bodyBytes: integer,
  webhookRevision: position,
  sequence: position,
});

const turn = z.object({ round: position, attempt: integer.min(1) });

const attempt = z.object({
  startedAt: time,
  durationMs: z
    .number()
    .min(0)
    .max(MAX_INTEGER)
    .transform((ms) => Math.round(ms)),
  request: z.object({ method: short, url: text, headers }),
  response: z.object({ status: integer, headers, body: excerpt }).nullable(),
  error: z.object({ code: short, message: excerpt }).nullable(),
  remoteAddress: short.nullable(),
});

export const outcome = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('delivered'), delivery, turn, attempt }),
  z.object({ kind: z.literal('attempt_failed'), delivery, turn, attempt, nextAttemptAt: time.nullable() }),
  z.object({
    kind: z.literal('skipped'),
    delivery,
    turn,
    reason: z.enum(SKIP_REASONS),
    at: time,
  }),
  z.object({ kind: z.literal('replay_requested'), delivery, round: position, at: time }),
]);

export const deletedWebhook = z
  .object({ id: z.string().refine(isWebhookId), tenant: z.string().refine(isTenantId), at: time })
  .transform(({ id, tenant, at }) => ({ webhookId: id, tenant, deletedAt: at }));
