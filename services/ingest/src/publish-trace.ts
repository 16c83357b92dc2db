import type { NewMessage } from '@grapnel/contracts/message';
import { TRACEPARENT } from '@grapnel/contracts/message';
import type { Event } from '@grapnel/domain/event/event';
import { formatTraceparent, parseTraceparent, SpanKind, startSpan } from '@grapnel/runtime/tracing';
import { type Span, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';

/** The producer's span of each stored event, and the trace context that travels on with it. */
export class PublishTrace {
  readonly #tracer: Tracer | null;

  /** Without tracing the caller's context is passed on as it came: a span nobody exports would break the chain. */
  constructor(enabled: boolean) {
    this.#tracer = enabled ? trace.getTracer('grapnel') : null;
  }

  /** `null` when tracing is off. */
  start(event: Event, subject: string, bytes: number, caller: string | null): Span | null {
    if (this.#tracer === null) return null;
    return startSpan(this.#tracer, {
      name: `publish ${event.type}`,
      kind: SpanKind.PRODUCER,
      parent: caller,
      attributes: {
        'messaging.system': 'nats',
        'messaging.operation.type': 'send',
        'messaging.operation.name': 'publish',
        'messaging.destination.name': subject,
        'messaging.message.id': event.id,
        'messaging.message.body.size': bytes,
        'grapnel.tenant': event.tenant,
      },
    });
  }

  /** The message with the context that its readers continue. */
  carriedOn(message: NewMessage, span: Span | null, caller: string | null): NewMessage {
    const context = contextAfter(span, caller);
    return context === null ? message : { ...message, headers: { ...message.headers, [TRACEPARENT]: context } };
  }

  end(span: Span | null, failure: string | null): void {
    if (span === null) return;
    if (failure !== null) span.setStatus({ code: SpanStatusCode.ERROR, message: failure });
    span.end();
  }
}

/** A malformed context is dropped, as W3C asks: it would end in a header. */
function contextAfter(span: Span | null, caller: string | null): string | null {
  if (span?.isRecording()) return formatTraceparent(span.spanContext());
  if (parseTraceparent(caller) !== null) return caller;
  return span === null ? null : formatTraceparent(span.spanContext());
}
