import type { Logger } from '@grapnel/runtime/logger';
import { connect, type NatsConnection } from '@nats-io/transport-node';

export interface NatsOptions {
  readonly servers: readonly string[];
  /** Shown in the server's connection list. */
  readonly name: string;
  readonly user?: string;
  readonly pass?: string;
}

/**
 * Two connections: a flood of messages coming in must not delay the acknowledgements of those going out. Both reconnect
 * for ever.
 */
export interface StreamConnections extends AsyncDisposable {
  readonly publishing: NatsConnection;
  readonly consuming: NatsConnection;
  onPublishingStatus(listener: (up: boolean) => void): void;
  onConsumingStatus(listener: (up: boolean) => void): void;
}

export async function openConnections(options: NatsOptions, logger: Logger): Promise<StreamConnections> {
  const open = (purpose: string): Promise<NatsConnection> =>
    connect({
      servers: [...options.servers],
      name: `${options.name}-${purpose}`,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 250,
      reconnectJitter: 250,
      waitOnFirstConnect: true,
      pingInterval: 15_000,
      noAsyncTraces: true,
      // Wrong credentials may be right again in a moment, while they are being rotated.
      ignoreAuthErrorAbort: true,
      ...(options.user === undefined ? {} : { user: options.user, pass: options.pass ?? '' }),
    });
  const [publishing, consuming] = await Promise.all([open('publish'), open('consume')]);
  return {
    publishing,
    consuming,
    onPublishingStatus: statusOf(publishing, logger),
    onConsumingStatus: statusOf(consuming, logger),
    async [Symbol.asyncDispose]() {
      // Draining sends what is still buffered, acks above all. A server that is gone must not hold the stop up.
      await Promise.all(
        [publishing, consuming].map((connection) => connection.drain().catch(() => connection.close())),
      );
    },
  };
}

function statusOf(connection: NatsConnection, logger: Logger): (listener: (up: boolean) => void) => void {
  const listeners: ((up: boolean) => void)[] = [];
  void (async () => {
    for await (const status of connection.status()) {
      if (status.type !== 'disconnect' && status.type !== 'reconnect') continue;
      logger.warn({ status: status.type }, 'nats connection');
      for (const listener of listeners) listener(status.type === 'reconnect');
    }
  })();
  return (listener) => void listeners.push(listener);
}
