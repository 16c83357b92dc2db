import type { Json } from '../json.ts';

/** Wire formats a webhook can speak; each has one file under `profiles/`. */
export type ProfileName = 'anycrawl';

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
}

/** A partial configuration: absent fields stay as they are, or take their default. */
export type WebhookChanges = { readonly [K in keyof Omit<WebhookConfig, 'profile'>]?: WebhookConfig[K] };

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
} as const satisfies Partial<WebhookConfig>;

export const DEFAULT_ROTATION_OVERLAP_SECONDS = 86_400;
