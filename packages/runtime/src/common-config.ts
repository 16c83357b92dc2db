import { hostname } from 'node:os';
import type { EnvReader } from './env.ts';

/** What every service is told in the same way. */
export interface CommonConfig {
  readonly mode: 'development' | 'production';
  /** Names this process among its replicas. */
  readonly instance: string;
  readonly logLevel: string;
  /** Interface that servers listen on. */
  readonly host: string;
  readonly opsPort: number;
  readonly otlpEndpoint: string | null;
  readonly sampleRatio: number;
  /** Divides every backoff delay; 1 in production. */
  readonly timeScale: number;
  readonly stopWithinMs: number;
}

export function readCommonConfig(env: EnvReader): CommonConfig {
  const mode = env.oneOf('GRAPNEL_MODE', ['development', 'production'], 'production');
  const timeScale = env.number('GRAPNEL_TIME_SCALE', 1, { min: 1, max: 10_000 });
  if (mode === 'production' && timeScale !== 1) env.problem('GRAPNEL_TIME_SCALE is for GRAPNEL_MODE=development only');
  return {
    mode,
    instance: env.text('GRAPNEL_INSTANCE', `${hostname()}-${process.pid}`),
    logLevel: env.oneOf('LOG_LEVEL', ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], 'info'),
    host: env.text('GRAPNEL_HOST', mode === 'production' ? '0.0.0.0' : '127.0.0.1'),
    opsPort: env.integer('GRAPNEL_OPS_PORT', 9090, { min: 0, max: 65_535 }),
    otlpEndpoint: env.optional('OTEL_EXPORTER_OTLP_ENDPOINT')?.replace(/\/+$/, '') ?? null,
    sampleRatio: env.number('GRAPNEL_TRACE_RATIO', 1, { min: 0, max: 1 }),
    timeScale,
    stopWithinMs: env.integer('GRAPNEL_STOP_WITHIN_MS', 30_000, { min: 1_000, max: 600_000 }),
  };
}
