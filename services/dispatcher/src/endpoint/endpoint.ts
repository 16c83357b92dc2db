import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { Endpoint as EndpointMessage } from '@grapnel/contracts/gen/grapnel/subscription/v1/directory_pb';
import { Inactive_Reason } from '@grapnel/contracts/gen/grapnel/subscription/v1/webhook_pb';
import type { TenantId, WebhookId } from '@grapnel/domain/ids';
import type { Profile } from '@grapnel/domain/profiles/profile';
import { isProfileName, profileOf } from '@grapnel/domain/profiles/registry';
import { type RetryPolicy, spreadsRetries } from '@grapnel/domain/retry';
import { type KeyRing, open } from '@grapnel/domain/security/keyring';
import { ORDERINGS, type Ordering } from '@grapnel/domain/webhook/config';
import { isConnectionHeader } from '@grapnel/domain/webhook/custom-headers';

import { type Target, targetOf } from '../attempt/target.ts';
import type { SignatureHeaders } from '../signature-headers.ts';

interface Secret {
  readonly value: string;
  /** Milliseconds since the epoch; `null` never. */
  readonly expiresAt: number | null;
}

/** A webhook as the dispatcher needs it: parsed and opened once, not for every attempt. */
export interface Endpoint {
  readonly id: WebhookId;
  readonly tenant: TenantId;
  readonly profile: Profile;
  /** The profile's, or the deployment's own name for it. */
  readonly signatureHeader: string;
  /** Without user and password. */
  readonly target: Target;
  /** The webhook's own headers, and `Authorization` where the URL names a user (ST-05). */
  readonly headers: Readonly<Record<string, string>>;
  /** Most have none, and need no looking through. */
  readonly hasOwnHeaders: boolean;
  readonly inactive: 'deactivated' | 'auto_disabled' | null;
  readonly ordering: Ordering;
  /** Attempts per second; `null`: no limit. */
  readonly rateLimitPerSecond: number | null;
  /** How long after it was made, or asked for again, a delivery may still be sent; `null`: always. */
  readonly messageTtlMs: number | null;
  readonly lastAutoDisabledAt: number | null;
  readonly timeoutMs: number;
  readonly retries: RetryPolicy;
  /** Whether the delays before retries are spread. */
  readonly spreadsRetries: boolean;
  readonly secrets: readonly Secret[];
  readonly signed: boolean;
  readonly revision: number;
}

/** @throws when the profile is unknown to this version, or there is no secret or it cannot be opened */
export function endpointFrom(message: EndpointMessage, ring: KeyRing, brands: SignatureHeaders): Endpoint {
  if (!isProfileName(message.profile)) throw new Error(`unknown profile "${message.profile}"`);
  // A signature under no secret could be made by anyone.
  if (message.signed && message.secrets.length === 0) throw new Error('there is no secret to sign with');
  const profile = profileOf(message.profile);
  const retries = {
    maxRetries: message.maxRetries,
    backoffMultiplier: message.retryBackoffMultiplier,
    retryDelaysSeconds: message.retryDelays.length === 0 ? null : message.retryDelays,
  };
  const url = new URL(message.url);
  const headers = withBasicAuth(message.customHeaders, url);
  url.username = '';
  url.password = '';
  return {
    id: message.webhookId as WebhookId,
    tenant: message.tenant,
    profile,
    signatureHeader: brands.get(profile.name) ?? profile.signatureHeader,
    target: targetOf(url),
    headers,
    hasOwnHeaders: Object.keys(headers).length > 0,
    inactive: inactiveReason(message),
    lastAutoDisabledAt: message.lastAutoDisabledAt === undefined ? null : timestampMs(message.lastAutoDisabledAt),
    timeoutMs: message.timeoutSeconds * 1_000,
    retries,
    spreadsRetries: spreadsRetries(profile, retries),
    ordering: ORDERINGS.find((each) => each === message.ordering) ?? 'none',
    // The contract says “none” with 0.
    rateLimitPerSecond: message.rateLimitPerSecond || null,
    messageTtlMs: message.messageTtlSeconds * 1_000 || null,
    signed: message.signed,
    secrets: message.secrets.map(({ sealed, owner, expiresAt }) => ({
      value: open(ring, owner === '' ? message.webhookId : owner, sealed),
      expiresAt: expiresAt === undefined ? null : timestampMs(expiresAt),
    })),
    revision: Number(message.revision),
  };
}

/** Those in force at `now`, newest first; the newest never expires. */
export function secretsAt(endpoint: Endpoint, now: number): string[] {
  if (!endpoint.signed) return [];
  return endpoint.secrets.filter(({ expiresAt }) => expiresAt === null || expiresAt > now).map(({ value }) => value);
}

function inactiveReason({ active, inactiveReason: reason }: EndpointMessage): Endpoint['inactive'] {
  // A retired webhook gets no new events; those it got are still delivered (FC-06).
  if (active || reason === Inactive_Reason.RETIRED) return null;
  return reason === Inactive_Reason.AUTO_DISABLED ? 'auto_disabled' : 'deactivated';
}

function withBasicAuth(custom: Readonly<Record<string, string>>, url: URL): Record<string, string> {
  const headers: Record<string, string> = {};
  const hasUser = url.username !== '' || url.password !== '';
  for (const [name, value] of Object.entries(custom)) {
    if (isConnectionHeader(name) || (hasUser && name.toLowerCase() === 'authorization')) continue;
    headers[name] = value;
  }
  if (hasUser) {
    const credentials = `${decoded(url.username)}:${decoded(url.password)}`;
    headers['Authorization'] = `Basic ${Buffer.from(credentials).toString('base64')}`;
  }
  return headers;
}

/** A per cent sign that begins no escape stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
