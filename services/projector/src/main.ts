import { run } from '@grapnel/runtime/run';
import { startTelemetry } from '@grapnel/runtime/telemetry';
import { createApp } from './app.ts';
import { readConfig } from './config.ts';

await run(() => {
  const config = readConfig(process.env);
  const { common } = config;
  return {
    service: 'projector',
    logLevel: common.logLevel,
    stopWithinMs: common.stopWithinMs,
    async start(logger) {
      const telemetry = startTelemetry({ service: 'projector', ...common });
      await using stack = new AsyncDisposableStack();
      stack.defer(() => telemetry.stop());
      const { addresses } = stack.use(await createApp(config, { logger, telemetry }));
      const running = stack.move();
      return { addresses, [Symbol.asyncDispose]: () => running.disposeAsync() };
    },
  };
});
