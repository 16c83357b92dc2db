import { TRACEPARENT } from '@grapnel/contracts/message';
import { TENANT } from '@grapnel/rpc/auth';
import type { CallOptions } from '@grapnel/rpc/client';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** What every gRPC call of a request carries: its tenant, its trace, and its end when the client goes away. */
export function callOptions(request: FastifyRequest, reply: FastifyReply): CallOptions {
  return {
    signal: goneSignal(reply),
    metadata: {
      [TENANT]: request.tenant,
      ...(request.traceparent !== null && { [TRACEPARENT]: request.traceparent }),
    },
  };
}

/** Aborts when the connection closes before the answer is complete. */
export function goneSignal(reply: FastifyReply): AbortSignal {
  const aborter = new AbortController();
  const { raw } = reply;
  if (raw.destroyed) aborter.abort();
  raw.once('close', () => {
    if (!raw.writableFinished) aborter.abort();
  });
  return aborter.signal;
}
