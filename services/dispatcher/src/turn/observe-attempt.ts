import { counter, histogram } from '@grapnel/runtime/instruments';
import { SpanKind, startSpan } from '@grapnel/runtime/tracing';
import { type Span, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Endpoint } from '../endpoint/endpoint.ts';
import type { AttemptResult } from '../ports.ts';
import type { TurnRequest } from './take-turn.ts';

const tracer = trace.getTracer('grapnel');
const attempts = counter('grapnel.dispatcher.attempts', { description: 'Attempts by what came of them.' });
const duration = histogram('http.client.request.duration', {
  description: 'Time from the start of an attempt to the end of the answer.',
  unit: 'ms',
});

/** A retry is a new span of the delivery's trace, linked to the first attempt. */
export function startAttemptSpan(request: TurnRequest, endpoint: Endpoint): Span {
  const { delivery, turn } = request;
  return startSpan(tracer, {
    name: 'POST',
    kind: SpanKind.CLIENT,
    parent: request.traceparent,
    link: request.firstAttempt,
    attributes: {
      'http.request.method': 'POST',
      'server.address': endpoint.target.hostname,
      'url.scheme': endpoint.target.scheme,
      'http.request.resend_count': turn.attempt - 1,
      'grapnel.delivery.id': delivery.id,
      'grapnel.webhook.id': delivery.webhookId,
      'grapnel.event.type': delivery.eventType,
    },
  });
}

/** Ends the span and counts. */
export function countAttempt(span: Span, { result, durationMs, error, remoteAddress }: AttemptResult): void {
  const outcome = result.kind === 'response' ? `${Math.floor(result.status / 100)}xx` : result.kind;
  attempts.add(1, { outcome });
  duration.record(durationMs, { outcome });
  if (!span.isRecording()) return span.end();
  if (result.kind === 'response') span.setAttribute('http.response.status_code', result.status);
  if (remoteAddress !== null) span.setAttribute('network.peer.address', remoteAddress);
  if (error !== null) {
    span.setAttribute('error.type', error.code);
    span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
  }
  span.end();
}
