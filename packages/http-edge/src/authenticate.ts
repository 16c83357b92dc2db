import type { TenantId } from '@grapnel/domain/ids';
import { bearerKey } from '@grapnel/domain/tenancy/api-key';
import type { FastifyInstance } from 'fastify';
import { HttpProblem } from './problem.ts';
import { EDGE_TEXTS } from './texts.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose API key it is; set before any handler below {@link requireApiKey} runs. */
    tenant: TenantId;
  }
}

/** API keys, as known by now; the refusals are the texts of AC-01. */
export interface ApiKeys {
  lookUp(
    key: string,
  ): { readonly ok: true; readonly tenant: TenantId } | { readonly ok: false; readonly refusal: string };
  /** Why unknown keys cannot be told from keys not loaded yet; `null` once all are. */
  problem(): string | null;
}

const RETRY_AFTER_SECONDS = 1;

/** AC-01: every request below, also for paths that do not exist, needs a tenant's key. Checked before a body is read. */
export function requireApiKey(app: FastifyInstance, keys: ApiKeys): void {
  app.decorateRequest('tenant', '');
  app.addHook('onRequest', async (request) => {
    request.tenant = tenantOf(request.headers.authorization, keys);
  });
}

function tenantOf(authorization: string | undefined, keys: ApiKeys): TenantId {
  const bearer = bearerKey(authorization);
  if (!bearer.ok) throw new HttpProblem(401, { error: bearer.error });
  const found = keys.lookUp(bearer.value);
  if (found.ok) return found.tenant;
  // Until all keys are known, an unknown one may be a good one.
  if (keys.problem() === null) throw new HttpProblem(401, { error: found.refusal });
  throw new HttpProblem(503, { error: EDGE_TEXTS.keysLoading }, { retryAfterSeconds: RETRY_AFTER_SECONDS });
}

/** Whether the key that opened a long answer still opens it. */
export function stillAllowed(keys: ApiKeys, authorization: string | undefined): boolean {
  const bearer = bearerKey(authorization);
  return bearer.ok && keys.lookUp(bearer.value).ok;
}
