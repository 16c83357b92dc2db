import type { TenantId, TriggerId } from '../ids.ts';
import type { Step } from './steps.ts';

/** A caller's user and password; the password is sealed under the key ring. */
export interface BasicAuth {
  readonly username: string;
  readonly sealedPassword: string;
}

/** One part of a call that becomes a variable, under its alias if it has one. */
export interface Mapped {
  /** A header's name, or a path into the query or the body. */
  readonly path: string;
  readonly alias: string | null;
}

/** What of a call becomes variables (NB-04, NB-05, NB-06). No mapping of the body: all of it. */
export interface Mapping {
  readonly headers: readonly Mapped[];
  readonly query: readonly Mapped[];
  readonly body: readonly Mapped[];
}

/** The answer of an asynchronous trigger (NB-07). */
export interface FixedResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * `asynchronous`: the fixed response is given as soon as the call is stored, and the flow runs afterwards;
 * `synchronous`: the caller waits for the flow, whose response step answers (NB-08).
 */
export type Mode = 'asynchronous' | 'synchronous';

/** What a tenant configures; every field has a value here, defaults included. */
export interface TriggerConfig {
  readonly name: string;
  readonly description: string | null;
  readonly auth: BasicAuth | null;
  readonly mapping: Mapping;
  readonly mode: Mode;
  /** Of asynchronous triggers alone. */
  readonly response: FixedResponse;
  /** How long a caller waits at most; of synchronous triggers alone. */
  readonly timeoutSeconds: number;
  readonly steps: readonly Step[];
}

/** A partial configuration: absent fields stay as they are, or take their default. */
export type TriggerChanges = { readonly [K in keyof TriggerConfig]?: TriggerConfig[K] };

/** One tenant's inbound URL and what a call to it does. */
export interface Trigger {
  readonly id: TriggerId;
  readonly tenant: TenantId;
  /** The unguessable end of its URL: 256 bits, base64url (NB-01). */
  readonly token: string;
  readonly enabled: boolean;
  readonly config: TriggerConfig;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** Everything that can happen to a trigger. Times are milliseconds since the epoch. */
export type TriggerEvent =
  | {
      readonly type: 'created';
      readonly at: number;
      readonly id: TriggerId;
      readonly tenant: TenantId;
      readonly token: string;
      readonly enabled: boolean;
      readonly config: TriggerConfig;
    }
  | { readonly type: 'updated'; readonly at: number; readonly config: TriggerConfig }
  | { readonly type: 'enabled'; readonly at: number }
  | { readonly type: 'disabled'; readonly at: number }
  | { readonly type: 'url_rotated'; readonly at: number; readonly token: string }
  | { readonly type: 'deleted'; readonly at: number };

/** What is left of a trigger: the trigger, or that it was there. */
export type TriggerState =
  | { readonly kind: 'present'; readonly trigger: Trigger }
  | { readonly kind: 'deleted'; readonly id: TriggerId; readonly tenant: TenantId; readonly at: number };

/** Bytes of randomness in a URL's token. */
export const TOKEN_BYTES = 32;

/** Bounds of every field, in one place for the edges, the documentation and the checks. */
export const TRIGGER_LIMITS = {
  name: { min: 1, max: 255 },
  description: { max: 2_000 },
  username: { min: 1, max: 255 },
  password: { min: 1, max: 255 },
  mapped: { max: 100, aliasChars: 64 },
  responseStatus: { min: 200, max: 599 },
  responseBody: { max: 65_536 },
  timeoutSeconds: { min: 1, max: 60 },
  steps: { max: 50, labelChars: 64 },
  callOutSeconds: { min: 1, max: 30 },
  expression: { max: 2_000 },
  placeholders: { max: 100 },
  /** All steps together, as JSON: they are kept with every execution, beside the variables, in one message of 8 MB. */
  flow: { bytes: 1_048_576 },
  /** Of one call, in bytes (NB-06). */
  body: { max: 1_048_576, depth: 60 },
} as const;

export const TRIGGER_DEFAULTS = {
  description: null,
  auth: null,
  mapping: { headers: [], query: [], body: [] },
  mode: 'asynchronous',
  response: { status: 200, headers: {}, body: 'ok' },
  timeoutSeconds: 30,
  steps: [],
} as const satisfies TriggerChanges;

/** What a trigger's password is sealed for, so that it opens nowhere else. */
export const passwordOwner = (trigger: TriggerId): string => `${trigger}:password`;
