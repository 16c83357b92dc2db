import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { Endpoint as EndpointMessage } from '@grapnel/contracts/gen/grapnel/subscription/v1/directory_pb';
import { Inactive_Reason } from '@grapnel/contracts/gen/grapnel/subscription/v1/webhook_pb';
import type { TenantId, WebhookId } from '@grapnel/domain/ids';
import type { Profile, RetryPolicy } from '@grapnel/domain/profiles/profile';
import { isProfileName, profileOf } from '@grapnel/domain/profiles/registry';
import { type KeyRing, open } from '@grapnel/domain/security/keyring';
import { isConnectionHeader } from '@grapnel/domain/webhook/custom-headers';

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
  /** Without user and password. */
  readonly url: URL;
  /** The webhook's own headers, and `Authorization` where the URL names a user (ST-05). */
  readonly headers: Readonly<Record<string, string>>;
  readonly inactive: 'deactivated' | 'auto_disabled' | null;
  readonly lastAutoDisabledAt: number | null;
  readonly timeoutMs: number;
  readonly retries: RetryPolicy;
  readonly secrets: readonly Secret[];
  readonly revision: number;
}

/** @throws when the profile is unknown to this version or a secret cannot be opened */
export function endpointFrom(message: EndpointMessage, ring: KeyRing): Endpoint {
  if (!isProfileName(message.profile)) throw new Error(`unknown profile "${message.profile}"`);
  const url = new URL(message.url);
  const headers = withBasicAuth(message.customHeaders, url);
  url.username = '';
  url.password = '';
  return {
    id: message.webhookId as WebhookId,
    tenant: message.tenant,
    profile: profileOf(message.profile),
    url,
    headers,
    inactive: inactiveReason(message),
    lastAutoDisabledAt: message.lastAutoDisabledAt === undefined ? null : timestampMs(message.lastAutoDisabledAt),
    timeoutMs: message.timeoutSeconds * 1_000,
    retries: { maxRetries: message.maxRetries, backoffMultiplier: message.retryBackoffMultiplier },
    secrets: message.secrets.map(({ sealed, expiresAt }) => ({
      value: open(ring, message.webhookId, sealed),
      expiresAt: expiresAt === undefined ? null : timestampMs(expiresAt),
    })),
    revision: Number(message.revision),
  };
}

/** Those in force at `now`, newest first; the newest never expires. */
export function secretsAt(endpoint: Endpoint, now: number): string[] {
  return endpoint.secrets.filter(({ expiresAt }) => expiresAt === null || expiresAt > now).map(({ value }) => value);
}

function inactiveReason({ active, inactiveReason: reason }: EndpointMessage): Endpoint['inactive'] {
  if (active) return null;
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
