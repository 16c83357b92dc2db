import type { Delivery } from '@grapnel/domain/delivery/delivery';
import type { Event } from '@grapnel/domain/event/event';
import { deliveryIdOf } from '@grapnel/domain/ids';
import { endsJob } from '@grapnel/domain/job';
import { parsedOnce } from '@grapnel/domain/profiles/parsed-once';
import type { BodyContext } from '@grapnel/domain/profiles/profile';
import { profileOf } from '@grapnel/domain/profiles/registry';
import { pythonJson } from '@grapnel/domain/python-json';
import type { Result } from '@grapnel/domain/result';
import type { Webhook } from '@grapnel/domain/webhook/webhook';

/** A delivery as it will be stored, and the bytes to send. */
export interface Frozen {
  readonly delivery: Delivery;
  readonly body: Uint8Array;
}

/** What is the same for all deliveries of one event. */
export interface EventToFreeze {
  readonly event: Event;
  /** The event's data in compact form. */
  readonly data: string;
  /** When the event was stored, so that a repeat makes the very same delivery. */
  readonly createdAt: number;
  /** Position of the event in EVENTS; `null` when it is not there. */
  readonly place: number | null;
  /** Asked by profiles for which it makes a difference. */
  readonly lookalike: () => boolean;
  readonly test: boolean;
}

const NO_BODY = new Uint8Array();

/** Freezes one event for many webhooks; a body that several share is made once. */
export class Freezer {
  readonly #frozen: EventToFreeze;
  readonly #value: BodyContext['value'];
  readonly #bodies = new Map<string, Result<Uint8Array, string>>();

  constructor(frozen: EventToFreeze) {
    this.#frozen = frozen;
    this.#value = parsedOnce(frozen.data);
  }

  freeze(webhook: Webhook, revision: number): Frozen {
    const { event, createdAt, place, test } = this.#frozen;
    const { config } = webhook;
    const profile = profileOf(config.profile);
    const context = this.#contextOf(webhook);
    const body = this.#bodyFor(context);
    const headers = profile.eventHeaders?.(context) ?? { ok: true, value: {} };
    const problem = body.ok ? (headers.ok ? null : headers.error) : body.error;
    const delivery: Delivery = {
      id: deliveryIdOf(event.tenant, event.id, webhook.id),
      tenant: event.tenant,
      webhookId: webhook.id,
      eventId: event.id,
      eventType: event.type,
      jobId: event.jobId,
      taskId: event.taskId,
      eventTime: event.time,
      createdAt,
      test,
      bodyBytes: body.ok ? body.value.byteLength : 0,
      webhookRevision: revision,
      ...(config.bodyFormat === 'cloudevents' ? { contentType: 'cloudevents' } : {}),
      ...(headers.ok && Object.keys(headers.value).length > 0 ? { headers: headers.value } : {}),
      ...(config.ordering === 'job' && event.jobId !== null && endsJob(event.type) ? { last: true } : {}),
      ...(config.ordering !== 'none' && place !== null ? { place } : {}),
      ...(event.hops === undefined ? {} : { hops: event.hops }),
      ...(problem === null ? {} : { problem }),
    };
    return { delivery, body: body.ok && problem === null ? body.value : NO_BODY };
  }

  #contextOf(webhook: Webhook): BodyContext {
    const { event, data, lookalike } = this.#frozen;
    return { event, data, value: this.#value, lookalike, webhookId: webhook.id, config: webhook.config };
  }

  #bodyFor(context: BodyContext): Result<Uint8Array, string> {
    const { config } = context;
    const profile = profileOf(config.profile);
    if (profile.bodyPerWebhook) return encoded(profile.body(context), config.bodyEncoding);
    const key = `${config.profile} ${config.bodyEncoding}`;
    let body = this.#bodies.get(key);
    if (body === undefined) this.#bodies.set(key, (body = encoded(profile.body(context), config.bodyEncoding)));
    return body;
  }
}

function encoded(body: Result<string, string>, encoding: 'json' | 'python_json'): Result<Uint8Array, string> {
  if (!body.ok) return body;
  return { ok: true, value: Buffer.from(encoding === 'python_json' ? pythonJson(body.value) : body.value) };
}
