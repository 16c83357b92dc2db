import { DeliveryService } from '@grapnel/contracts/gen/grapnel/delivery/v1/delivery_pb';
import { ExecutionService } from '@grapnel/contracts/gen/grapnel/ingest/v1/execution_pb';
import { IngestService } from '@grapnel/contracts/gen/grapnel/ingest/v1/ingest_pb';
import { QueryService } from '@grapnel/contracts/gen/grapnel/query/v1/query_pb';
import { ReplayService } from '@grapnel/contracts/gen/grapnel/subscription/v1/replay_pb';
import { TriggerService } from '@grapnel/contracts/gen/grapnel/subscription/v1/trigger_pb';
import { WebhookService } from '@grapnel/contracts/gen/grapnel/subscription/v1/webhook_pb';
import { openChannel } from '@grapnel/rpc/client';
import { KeyDirectory } from '@grapnel/rpc/key-directory';
import { type Clock, systemClock } from '@grapnel/runtime/clock';
import { Readiness } from '@grapnel/runtime/health';
import { createLogger, type Logger } from '@grapnel/runtime/logger';
import { startOpsServer } from '@grapnel/runtime/ops-server';
import type { RunningApp } from '@grapnel/runtime/run';
import type { Telemetry } from '@grapnel/runtime/telemetry';
import type { FastifyInstance } from 'fastify';
import type { GatewayConfig } from './config.ts';
import { createHttpServer } from './http/server.ts';
import { OpenTails } from './use-cases/open-tails.ts';

export interface GatewayOverrides {
  readonly logger?: Logger;
  readonly telemetry?: Telemetry;
  readonly clock?: Clock;
  /** Tests: an answer that is not what the OpenAPI document says fails. */
  readonly checkAnswers?: boolean;
}

export async function createApp(config: GatewayConfig, overrides: GatewayOverrides = {}): Promise<RunningApp> {
  const { common, rpc, services } = config;
  const {
    clock = systemClock,
    logger = createLogger({ service: 'gateway', level: common.logLevel }),
    telemetry = null,
    checkAnswers = false,
  } = overrides;
  await using opened = new AsyncDisposableStack();

  const channel = (address: string) => opened.use(openChannel({ address, token: rpc.serviceToken, tls: rpc.tls }));
  const subscription = channel(services.subscription);
  const ingest = channel(services.ingest);
  const backends = {
    webhooks: subscription.client(WebhookService),
    replays: subscription.client(ReplayService),
    history: channel(services.query).client(QueryService),
    deliveries: channel(services.delivery).client(DeliveryService),
    ingest: ingest.client(IngestService),
    triggers: subscription.client(TriggerService),
    executions: ingest.client(ExecutionService),
  };
  const keys = opened.use(new KeyDirectory(subscription, clock, logger));
  const readiness = new Readiness();
  readiness.add('api keys', () => keys.problem());
  const ops = opened.use(await startOpsServer({ host: common.host, port: common.opsPort, readiness, telemetry }));
  opened.defer(async () => telemetry?.stop());

  const tails = new OpenTails(config.tails);
  const { triggersUrl, testWaitMs } = config;
  const api = { backends, keys, clock, tails, triggersUrl, testWaitMs };
  const http = await createHttpServer({ api, readiness, telemetry, logger, checkAnswers });
  opened.defer(() => http.close());
  opened.defer(() => readiness.beginStop());
  const address = await listen(http, config.port, common.host);

  const running = opened.move();
  return {
    addresses: { http: address, ops: ops.url },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

async function listen(http: FastifyInstance, port: number, host: string): Promise<string> {
  try {
    return await http.listen({ port, host });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new Error(`port ${port} on ${host} is in use`, { cause: error });
  }
}
