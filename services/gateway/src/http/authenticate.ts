import type { TenantId } from '@grapnel/domain/ids';
import { bearerKey } from '@grapnel/domain/tenancy/api-key';
import type { FastifyInstance } from 'fastify';
import type { ApiKeys } from '../ports.ts';
import { TEXTS } from '../texts.ts';
import { HttpProblem } from './problem.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose API key it is; set before any /v1 handler runs. */
    tenant: TenantId;
  }
}

const RETRY_AFTER_SECONDS = 1;

/** AC-01: every request below, also for paths that do not exist, needs a tenant's key. */
export function requireApiKey(app: FastifyInstance, keys: ApiKeys): void {
  app.decorateRequest('tenant', '');
  app.addHook('onRequest', async (request, reply) => {
    const refused = (error: string): HttpProblem => {
      void reply.header('www-authenticate', 'Bearer realm="grapnel"');
      return new HttpProblem(401, { error });
    };
    const bearer = bearerKey(request.headers.authorization);
    if (!bearer.ok) throw refused(bearer.error);
    const found = keys.lookUp(bearer.value);
    if (found.ok) {
      request.tenant = found.tenant;
      return;
    }
    // Until all keys are known, an unknown one may be a good one.
    if (keys.problem() !== null) throw new HttpProblem(503, { error: TEXTS.keysLoading }, RETRY_AFTER_SECONDS);
    throw refused(found.refusal);
  });
}

/** Whether the key that opened a long answer still opens it. */
export function stillAllowed(keys: ApiKeys, authorization: string | undefined): boolean {
  const bearer = bearerKey(authorization);
  return bearer.ok && keys.lookUp(bearer.value).ok;
}
