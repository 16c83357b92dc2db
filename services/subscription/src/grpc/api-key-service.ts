import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { type ApiKeySchema, ApiKeyService } from '@grapnel/contracts/gen/grapnel/subscription/v1/api_key_pb';
import { isTenantId, type TenantId } from '@grapnel/domain/ids';
import { type ApiKey, MAX_KEY_CHARS, MIN_KEY_CHARS } from '@grapnel/domain/tenancy/api-key';
import { type Violation, violation } from '@grapnel/domain/violation';
import { Code, RpcError } from '@grapnel/rpc/errors';
import { type Registration, register } from '@grapnel/rpc/server';
import { type ApiKeyContext, createApiKey, revokeApiKey } from '../api-keys.ts';
import { contended, storing } from './refusals.ts';

const MAX_NAME_CHARS = 255;

/** Keys of tenants, for operators. */
export function apiKeyService(context: ApiKeyContext): Registration {
  return register(ApiKeyService, 'service', {
    async createApiKey({ tenant, name, key }) {
      const wrong = [...tenantViolations(tenant), ...keyViolations(key)];
      if (name.length > MAX_NAME_CHARS)
        wrong.push(violation('name', 'TOO_LONG', `must be at most ${MAX_NAME_CHARS} characters`));
      if (wrong.length > 0) throw RpcError.invalid(wrong);
      const made = await storing(() => createApiKey(context, { tenant: tenant, name, key: key === '' ? null : key }));
      if (made.ok) return { apiKey: toMessage(made.value.apiKey), key: made.value.key };
      throw made.error === 'taken'
        ? new RpcError(Code.ALREADY_EXISTS, 'this key belongs to another tenant')
        : contended();
    },

    async listApiKeys({ tenant }) {
      const wrong = tenantViolations(tenant);
      if (wrong.length > 0) throw RpcError.invalid(wrong);
      const keys = context.directory.keys().filter((key) => key.tenant === tenant);
      return { apiKeys: keys.toSorted((a, b) => a.createdAt - b.createdAt).map(toMessage) };
    },

    async revokeApiKey({ tenant, apiKeyId }) {
      const revoked = await storing(() => revokeApiKey(context, tenant as TenantId, apiKeyId));
      if (revoked.ok) return toMessage(revoked.value);
      throw revoked.error === 'not_found' ? RpcError.notFound('API key', apiKeyId) : contended();
    },
  });
}

function tenantViolations(tenant: string): Violation[] {
  if (isTenantId(tenant)) return [];
  return [
    violation('tenant', 'INVALID_VALUE', 'must be 1 to 64 of a-z, 0-9, _ and -, and begin with a letter or digit'),
  ];
}

function keyViolations(key: string): Violation[] {
  if (key === '') return [];
  if (key.length >= MIN_KEY_CHARS && key.length <= MAX_KEY_CHARS && /^\S+$/.test(key)) return [];
  return [violation('key', 'INVALID_VALUE', `must be ${MIN_KEY_CHARS} to ${MAX_KEY_CHARS} characters without spaces`)];
}

function toMessage(key: ApiKey): MessageInitShape<typeof ApiKeySchema> {
  return {
    id: key.id,
    tenant: key.tenant,
    name: key.name,
    hint: key.hint,
    active: key.revokedAt === null,
    createdAt: timestampFromMs(key.createdAt),
    ...(key.revokedAt === null ? {} : { revokedAt: timestampFromMs(key.revokedAt) }),
  };
}
