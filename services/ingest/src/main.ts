import { run } from '@grapnel/runtime/run';
import { startTelemetry } from '@grapnel/runtime/telemetry';
import { createApp } from './app.ts';
import { readConfig } from './config.ts';

await run(() => {
  const config = readConfig(process.env);
  const { common } = config;
  return {
    service: 'ingest',
    logLevel: common.logLevel,
    stopWithinMs: common.stopWithinMs,
    async start(logger) {
      const telemetry = startTelemetry({ service: 'ingest', ...common });
      const app = await createApp(config, { logger, telemetry });
      return {
        addresses: app.addresses,
        async [Symbol.asyncDispose]() {
          await app[Symbol.asyncDispose]();
          await telemetry.stop();
        },
      };
    },
  };
});
