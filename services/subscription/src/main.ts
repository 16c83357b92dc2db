import { run } from '@grapnel/runtime/run';
import { startTelemetry } from '@grapnel/runtime/telemetry';
import { createApp } from './app.ts';
import { readConfig } from './config.ts';

await run(() => {
  const config = readConfig(process.env);
  const { common } = config;
  return {
    service: 'subscription',
    logLevel: common.logLevel,
    stopWithinMs: common.stopWithinMs,
    start: (logger) => createApp(config, { logger, telemetry: startTelemetry({ service: 'subscription', ...common }) }),
  };
});
