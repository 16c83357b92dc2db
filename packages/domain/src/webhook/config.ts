import type { Json } from '../json.ts';
import type { SignatureScheme } from '../security/standard-webhooks.ts';

/** Wire formats a webhook can speak; each has one file under `profiles/`. */
export type ProfileName = 'anycrawl' | 'firecrawl' | 'groupgm' | 'template' | 'standard';

export type Scope = 'all' | 'specific';

/** What a tenant configures; every field has a value here, defaults included. */
export interface WebhookConfig {
  readonly profile: ProfileName;
  readonly name: string;
  readonly description: string | null;
  readonly url: string;
  /** Types, `family.*` or `*`. */
  readonly eventTypes: readonly string[];
  readonly scope: Scope;
  readonly taskIds: readonly string[];
  readonly timeoutSeconds: number;
  readonly maxRetries: number;
  readonly backoffMultiplier: number;
  readonly customHeaders: Readonly<Record<string, string>>;
  readonly tags: readonly string[];
  readonly metadata: Readonly<Record<string, Json>>;
  /** Only events of this job; such a webhook is retired after the job's end (FC-06). */
  readonly jobId: string | null;
  /** Only events that carry one of these tags; empty: all. */
  readonly eventTags: readonly string[];
  /** Only events for which this expression holds. */
  readonly condition: string | null;
  /** Seconds before each retry, instead of the profile's own schedule. */
  readonly retryDelaysSeconds: readonly number[] | null;
  readonly ordering: Ordering;
  /** Attempts per second to this endpoint, may be fractional; `null`: as many as it takes. */
  readonly rateLimitPerSecond: number | null;
  /** What has not been delivered so many seconds after it was made is not sent any more; `null`: it always is. */
  readonly messageTtlSeconds: number | null;
  /** How the body's JSON is written: as JavaScript or as Python's standard library does (ST-04). */
  readonly bodyEncoding: BodyEncoding;
  readonly bodyFormat: BodyFormat;
  /** FC-01: adds `webhookId`, the delivery's id, to the envelope. */
  readonly includeWebhookId: boolean;
  /** JSON texts of the `template` profile. */
  readonly payloadTemplate: string | null;
  readonly headersTemplate: string | null;
  readonly signed: boolean;
  readonly signatureScheme: SignatureScheme;
}

/**
 * `job`: the end of a job is not sent before everything else of it has been tried once (FC-09). `strict`: deliveries of one
 * key leave one after another, each when the one before has come to its end; the key is the event's job, else its task, else
 * the webhook as a whole.
 */
export const ORDERINGS = ['none', 'job', 'strict'] as const;
export type Ordering = (typeof ORDERINGS)[number];
export type BodyEncoding = 'json' | 'python_json';
export type BodyFormat = 'profile' | 'cloudevents';

/** A partial configuration: absent fields stay as they are, or take their default. */
export type WebhookChanges = { readonly [K in keyof WebhookConfig]?: WebhookConfig[K] };

/** What is decided once: the profile says how secrets look, the job and the scheme what they are for. */
export const FIXED_AT_CREATION = ['profile', 'jobId', 'signatureScheme'] as const satisfies (keyof WebhookConfig)[];

/** Bounds of every field, in one place for the edges, the documentation and the checks. */
export const LIMITS = {
  name: { min: 1, max: 255 },
  description: { max: 2_000 },
  url: { max: 2_048 },
  eventTypes: { min: 1, max: 200 },
  taskIds: { max: 10_000, chars: 256 },
  timeoutSeconds: { min: 1, max: 60 },
  maxRetries: { min: 0, max: 10 },
  backoffMultiplier: { min: 1, max: 10 },
  customHeaders: { max: 20, nameChars: 128, valueChars: 4_096 },
  tags: { max: 50, chars: 100 },
  metadata: { bytes: 16_384 },
  eventTags: { max: 50, chars: 100 },
  condition: { max: 2_000 },
  retryDelays: { max: 10, seconds: { min: 1, max: 86_400 } },
  rateLimitPerSecond: { min: 0.1, max: 10_000 },
  messageTtlSeconds: { min: 1, max: 7 * 86_400 },
  template: { bytes: 65_536 },
  rotationOverlapSeconds: { min: 0, max: 7 * 86_400 },
} as const;

export const DEFAULTS = {
  profile: 'anycrawl',
  description: null,
  scope: 'all',
  taskIds: [],
  timeoutSeconds: 10,
  maxRetries: 3,
  backoffMultiplier: 2,
  customHeaders: {},
  tags: [],
  metadata: {},
  jobId: null,
  eventTags: [],
  condition: null,
  retryDelaysSeconds: null,
  ordering: 'none',
  rateLimitPerSecond: null,
  messageTtlSeconds: null,
  bodyEncoding: 'json',
  bodyFormat: 'profile',
  includeWebhookId: false,
  payloadTemplate: null,
  headersTemplate: null,
  signed: true,
  signatureScheme: 'v1',
} as const satisfies Partial<WebhookConfig>;

export const DEFAULT_ROTATION_OVERLAP_SECONDS = 86_400;
