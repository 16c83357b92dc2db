import { run } from '@grapnel/runtime/run';
import { startTelemetry } from '@grapnel/runtime/telemetry';
import { createApp } from './app.ts';
import { readConfig } from './config.ts';

await run(() => {
  const config = readConfig(process.env);
  const { logLevel, stopWithinMs, instance, otlpEndpoint, sampleRatio } = config.common;
  return {
    service: 'gateway',
    logLevel,
    stopWithinMs,
    start: (logger) => {
      const telemetry = startTelemetry({ service: 'gateway', instance, otlpEndpoint, sampleRatio });
      return createApp(config, { logger, telemetry });
    },
  };
});
