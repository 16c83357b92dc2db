import {
  type Context,
  context,
  isSpanContextValid,
  type Link,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** W3C `traceparent` → span context; `null` when absent or malformed. */
export function parseTraceparent(header: string | null | undefined): SpanContext | null {
  const match = TRACEPARENT.exec(header ?? '');
  if (match === null) return null;
  const parsed = {
    traceId: match[1] as string,
    spanId: match[2] as string,
    traceFlags: Number.parseInt(match[3] as string, 16) & TraceFlags.SAMPLED,
    isRemote: true,
  };
  return isSpanContextValid(parsed) ? parsed : null;
}

/** Span context → W3C `traceparent`; `null` when there is no trace. */
export function formatTraceparent(span: SpanContext | undefined): string | null {
  if (span === undefined || !isSpanContextValid(span)) return null;
  return `00-${span.traceId}-${span.spanId}-${(span.traceFlags & TraceFlags.SAMPLED) === 0 ? '00' : '01'}`;
}

/** `traceparent` of what is going on now. */
export const currentTraceparent = (): string | null => formatTraceparent(trace.getActiveSpan()?.spanContext());

export interface SpanRequest {
  readonly name: string;
  readonly kind: SpanKind;
  /** `traceparent` of the parent; `null` starts a new trace. */
  readonly parent: string | null;
  /** `traceparent` of a span that this one belongs to without being its child, e.g. a delivery's first attempt. */
  readonly link?: string | null;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
}

/** Starts a span under a `traceparent`; the caller ends it. Cheap when the trace is not sampled. */
export function startSpan(tracer: Tracer, request: SpanRequest): Span {
  return tracer.startSpan(request.name, options(request), parentContext(request.parent));
}

/** Runs `work` inside a span under a `traceparent`; a rejection is recorded on it. */
export async function inSpan<T>(tracer: Tracer, request: SpanRequest, work: (span: Span) => Promise<T>): Promise<T> {
  const span = startSpan(tracer, request);
  try {
    return await context.with(trace.setSpan(context.active(), span), () => work(span));
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR, message: (error as Error).message });
    throw error;
  } finally {
    span.end();
  }
}

function options({ kind, attributes, link }: SpanRequest) {
  const linked = parseTraceparent(link);
  const links: Link[] = linked === null ? [] : [{ context: linked }];
  return { kind, attributes, links };
}

function parentContext(parent: string | null): Context {
  const remote = parseTraceparent(parent);
  return remote === null ? trace.deleteSpan(context.active()) : trace.setSpanContext(context.active(), remote);
}

export { SpanKind };
