import type { SendResult, Verdict } from '../delivery/classify.ts';
import type { Delivery } from '../delivery/delivery.ts';
import type { Event } from '../event/event.ts';
import type { WebhookId } from '../ids.ts';
import type { Json } from '../json.ts';
import type { Result } from '../result.ts';
import type { ProfileName, WebhookConfig } from '../webhook/config.ts';

/** What a body is made from. */
export interface BodyContext {
  readonly event: Event;
  /** The event's data in compact form; numbers keep their digits. */
  readonly data: string;
  /** The same, parsed: once for all webhooks, when the first of them asks. */
  readonly value: () => Json;
  readonly webhookId: WebhookId;
  readonly config: WebhookConfig;
  /** Whether another event of the tenant had the same type in the same second. */
  readonly lookalike: () => boolean;
}

/** What a request's headers are made from. */
export interface SigningContext {
  readonly delivery: Pick<Delivery, 'id' | 'eventType' | 'contentType'>;
  readonly body: Uint8Array;
  /** In force now, newest first; empty only when the webhook asked not to be signed. */
  readonly secrets: readonly string[];
  readonly now: number;
  /** Name of the header with the signature: the profile's, or the deployment's own. */
  readonly signatureHeader: string;
}

/** Whose the secret is, and how it looks; `account`: the tenant's, shared by its webhooks (FC-07). */
export type SecretKind = 'hex' | 'standard' | 'account';

/** A wire format: one file says everything about it. */
export interface Profile {
  readonly name: ProfileName;
  /** The types it knows, when its short names and `*` stand for these alone (FC-05); `null`: every type. */
  readonly eventTypes: readonly string[] | null;
  readonly defaults: Pick<WebhookConfig, 'timeoutSeconds' | 'maxRetries' | 'retryDelaysSeconds'>;
  /** Fields of the configuration that mean something to this profile, beside those that all have. */
  readonly options: readonly ProfileOption[];
  /** http is refused unless local endpoints are allowed (GG-01). */
  readonly httpsOnly: boolean;
  readonly secrets: SecretKind;
  /**
   * The exact bytes to send, as text; frozen when the delivery is made (ST-04). Depends on nothing but the context. The
   * error says, for people, why this event cannot be written.
   */
  body(context: BodyContext): Result<string, string>;
  /** Headers that depend on the event, frozen with the body (TH-07). */
  eventHeaders?(context: BodyContext): Result<Record<string, string>, string>;
  /** Whether bodies differ from webhook to webhook, so that one cannot serve for several. */
  readonly bodyPerWebhook: boolean;
  readonly signatureHeader: string;
  /** Headers that are the system's; a webhook's own headers of the same name, in any case, are left out. */
  headers(context: SigningContext): Record<string, string>;
  classify(result: SendResult): Verdict;
  /** Whether `Retry-After` on 429 and 503 postpones the next attempt (ST-03). */
  readonly honoursRetryAfter: boolean;
  /** Whether 410 Gone disables the webhook (ST-03). */
  readonly goneDisables: boolean;
  /** Whether the delays of the profile's own schedule are spread, so that what failed together does not come back together. */
  readonly spreadsRetries: boolean;
}

/** Fields of a configuration that only some profiles take. */
export type ProfileOption =
  | 'bodyFormat'
  | 'includeWebhookId'
  | 'payloadTemplate'
  | 'headersTemplate'
  | 'signed'
  | 'signatureScheme';
