import { timingSafeEqual } from 'node:crypto';
import { isTenantId, type TenantId } from '@grapnel/domain/ids';
import { bearerKey } from '@grapnel/domain/tenancy/api-key';
import type { Metadata } from '@grpc/grpc-js';
import { Code, RpcError } from './errors.ts';

/** Who calls: a tenant by its key, or one of our services, for a tenant or for none. */
export type Principal =
  | { readonly kind: 'tenant'; readonly tenant: TenantId }
  | { readonly kind: 'service'; readonly tenant: TenantId | null };

export const AUTHORIZATION = 'authorization';
/** Names the tenant a service acts for. */
export const TENANT = 'grapnel-tenant';

/** Finds the tenant of an API key; the refusal's text is for the caller. */
export type KeyLookup = (
  key: string,
) => { readonly ok: true; readonly tenant: TenantId } | { readonly ok: false; readonly refusal: string };

/** Services present the shared token, tenants a key. The token is compared in constant time. */
export function authenticator(serviceToken: string, lookUpKey: KeyLookup): (metadata: Metadata) => Principal {
  const token = Buffer.from(serviceToken);
  return (metadata) => {
    const bearer = bearerKey(text(metadata, AUTHORIZATION));
    if (!bearer.ok) throw new RpcError(Code.UNAUTHENTICATED, bearer.error);
    const presented = Buffer.from(bearer.value);
    if (presented.byteLength === token.byteLength && timingSafeEqual(presented, token)) {
      const tenant = text(metadata, TENANT);
      if (tenant === undefined) return { kind: 'service', tenant: null };
      if (!isTenantId(tenant)) throw new RpcError(Code.INVALID_ARGUMENT, `metadata ${TENANT} is not a tenant id`);
      return { kind: 'service', tenant };
    }
    const found = lookUpKey(bearer.value);
    if (!found.ok) throw new RpcError(Code.UNAUTHENTICATED, found.refusal);
    return { kind: 'tenant', tenant: found.tenant };
  };
}

/** For servers that only our services call. */
export const noTenants: KeyLookup = () => ({ ok: false, refusal: 'Invalid service token' });

/** The tenant a call acts for. */
export function tenantOf(principal: Principal): TenantId {
  if (principal.tenant !== null) return principal.tenant;
  throw new RpcError(Code.INVALID_ARGUMENT, `metadata ${TENANT} is required: which tenant the service acts for`);
}

function text(metadata: Metadata, name: string): string | undefined {
  return metadata.get(name)[0]?.toString();
}
