import type { TenantId } from '@grapnel/domain/ids';
import { bearerKey } from '@grapnel/domain/tenancy/api-key';
import type { ApiKeys } from '../ports.ts';
import { Refusal } from './refusal.ts';

const KEYS_RETRY_MS = 1_000;

/** The tenant of an `Authorization` header. Services call over gRPC: their token opens nothing here. */
export function tenantOf(header: string | undefined, keys: ApiKeys): TenantId {
  const bearer = bearerKey(header);
  if (!bearer.ok) throw new Refusal(401, bearer.error);
  const found = keys.lookUp(bearer.value);
  if (found.ok) return found.tenant;
  // Before all keys are known, an unknown one may well be good.
  const problem = keys.problem();
  if (problem !== null) throw new Refusal(503, problem, { retryAfterMs: KEYS_RETRY_MS });
  throw new Refusal(401, found.refusal);
}
