import { systemClock } from './clock.ts';
import { makeEveryObjectYoung } from './collector.ts';
import { ConfigError } from './env.ts';
import { createLogger, type Logger } from './logger.ts';

/** A service that is up; disposing it stops it gracefully. */
export interface RunningApp extends AsyncDisposable {
  /** Where it listens, by name; printed when it is ready. */
  readonly addresses: Readonly<Record<string, string>>;
}

export interface Program {
  readonly service: string;
  readonly logLevel: string;
  /** Bound on a graceful stop; past it the process ends with status 1. */
  readonly stopWithinMs: number;
  start(logger: Logger): Promise<RunningApp>;
}

/**
 * The life of a service process: configure, start, say where it listens, stop on SIGTERM or SIGINT. Whoever started it
 * with an IPC channel hears `{ready: addresses}`, and its disappearance is a reason to stop, too.
 */
export async function run(configure: () => Program): Promise<void> {
  makeEveryObjectYoung();
  const program = configuredOrExit(configure);
  const logger = createLogger({ service: program.service, level: program.logLevel });
  process.on('unhandledRejection', (error) => {
    logger.fatal({ err: error }, 'unhandled rejection');
    process.exit(1);
  });
  // While it starts there is nothing to stop in order: it may be waiting for servers that went with the starting process.
  const goneTooSoon = (): never => process.exit(1);
  // There is no such property where nobody started it over IPC.
  if ('connected' in process && !process.connected) goneTooSoon();
  process.on('disconnect', goneTooSoon);
  let app: RunningApp;
  try {
    app = await program.start(logger);
  } catch (error) {
    logger.fatal({ err: error }, `could not start: ${(error as Error).message}`);
    process.exit(1);
  }
  logger.info({ addresses: app.addresses }, 'ready');
  process.send?.({ ready: app.addresses });

  let stopping = false;
  const stop = (reason: string): void => {
    if (stopping) return;
    stopping = true;
    logger.info({ reason }, 'stopping');
    systemClock.after(program.stopWithinMs, () => {
      logger.error('did not stop in time');
      process.exit(1);
    });
    app[Symbol.asyncDispose]().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error({ err: error }, 'stopping failed');
        process.exit(1);
      },
    );
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop(signal));
  process.off('disconnect', goneTooSoon);
  process.on('disconnect', () => stop('the starting process is gone'));
}

function configuredOrExit(configure: () => Program): Program {
  try {
    return configure();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  }
}
