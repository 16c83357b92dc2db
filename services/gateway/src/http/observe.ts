import type { Clock } from '@grapnel/runtime/clock';
import { formatTraceparent, parseTraceparent, startSpan } from '@grapnel/runtime/tracing';
import { metrics, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { FastifyInstance, FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /** The server span of this request. */
    span: Span;
    /** `traceparent` for the calls this request makes. */
    traceparent: string | null;
    /** Monotonic milliseconds. */
    startedAt: number;
  }
}

/**
 * One server span, one measurement and one log line per request, by route template: never the raw path, a body or a
 * header.
 */
export function observeRequests(app: FastifyInstance, clock: Clock): void {
  const tracer = trace.getTracer('grapnel-gateway');
  const meter = metrics.getMeter('grapnel-gateway');
  const duration = meter.createHistogram('http.server.request.duration', {
    description: 'Time from a request to the end of its answer; for live tails, how long they were open.',
    unit: 's',
    advice: { explicitBucketBoundaries: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] },
  });
  const active = meter.createUpDownCounter('http.server.active_requests', { description: 'Requests under way.' });

  app.decorateRequest('span');
  app.decorateRequest('traceparent', null);
  app.decorateRequest('startedAt', 0);

  app.addHook('onRequest', async (request, reply) => {
    request.startedAt = clock.monotonic();
    const parent = header(request, 'traceparent');
    const { method } = request;
    request.span = startSpan(tracer, {
      name: `${method} ${routeOf(request)}`,
      kind: SpanKind.SERVER,
      parent,
      attributes: { 'http.request.method': method, 'http.route': routeOf(request), 'url.scheme': 'http' },
    });
    const span = request.span.spanContext();
    request.traceparent = formatTraceparent(span) ?? (parseTraceparent(parent) === null ? null : parent);
    if (formatTraceparent(span) !== null) {
      request.log = request.log.child({ trace_id: span.traceId, span_id: span.spanId });
    }
    active.add(1);
    void reply.header('x-request-id', request.id);
  });

  app.addHook('onResponse', async (request, reply) => {
    const ms = clock.monotonic() - request.startedAt;
    const route = routeOf(request);
    const status = reply.statusCode;
    active.add(-1);
    duration.record(ms / 1_000, {
      'http.request.method': request.method,
      'http.route': route,
      'http.response.status_code': status,
    });
    request.span.setAttribute('http.response.status_code', status);
    if (status >= 500) request.span.setStatus({ code: SpanStatusCode.ERROR });
    request.span.end();
    const level = status >= 500 ? 'warn' : QUIET.has(route) ? 'debug' : 'info';
    const { method, tenant } = request;
    request.log[level]({ method, route, status, ms: Math.round(ms * 10) / 10, ...(tenant && { tenant }) }, 'request');
  });
}

// Asked every few seconds by machines.
const QUIET: ReadonlySet<string> = new Set(['/health', '/healthz', '/readyz', '/metrics']);

const routeOf = (request: FastifyRequest): string => request.routeOptions.url ?? 'unmatched';

function header(request: FastifyRequest, name: string): string | null {
  const value = request.headers[name];
  return typeof value === 'string' ? value : null;
}
