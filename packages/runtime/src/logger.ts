import { trace } from '@opentelemetry/api';
import { type Logger as PinoLogger, pino } from 'pino';

export type Logger = PinoLogger;

export interface LogOptions {
  readonly service: string;
  readonly level: string;
}

// A second net: no code path logs these on purpose.
const REDACTED = ['secret', 'secrets', 'authorization', 'apiKey', 'key', 'token', 'password', 'body', 'data'].flatMap(
  (name) => [name, `*.${name}`],
);

/** JSON lines on standard error, with the trace they belong to; never secrets or bodies. */
export function createLogger({ service, level }: LogOptions): Logger {
  return pino(
    {
      level,
      base: { service },
      redact: { paths: REDACTED, censor: '[redacted]' },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      mixin() {
        const context = trace.getActiveSpan()?.spanContext();
        return context === undefined ? {} : { trace_id: context.traceId, span_id: context.spanId };
      },
    },
    pino.destination({ fd: 2, sync: true }),
  );
}

/** For tests and tools that have nothing to say. */
export const silentLogger: Logger = pino({ level: 'silent' });
