import { DeliveryStatus, QueryService } from '@grapnel/contracts/gen/grapnel/query/v1/query_pb';
import { encodeOutcome } from '@grapnel/contracts/outcome-codec';
import { createApp as createProjector } from '@grapnel/projector/app';
import { readConfig as readProjectorConfig } from '@grapnel/projector/config';
import { openChannel } from '@grapnel/rpc/client';
import { freshDatabase } from '@grapnel/testkit/infra';
import { expect, it } from 'vitest';
import { diedWithMessage } from '../support/died-with-message.ts';
import { SERVICE_TOKEN, startDispatcher, until } from '../support/ground.ts';
import { Line } from '../support/line.ts';

it('a dispatcher that died between a failed attempt and the entry for its retry: the retry comes, the attempt is not repeated', async () => {
  await using stack = new AsyncDisposableStack();
  const line = stack.use(await Line.start({ dispatchers: 0 }));
  const { names, open } = line.ground;
  const database = stack.use(await freshDatabase());
  const projectorEnv = { ...line.env, DATABASE_URL: database.url, QUERY_GRPC_PORT: '0' };
  const projector = stack.use(await createProjector(readProjectorConfig(projectorEnv)));
  const address = projector.addresses['grpc'] ?? '';

  const { id } = await line.createWebhook('/retried', { retryDelays: { seconds: [60] } });
  await line.publish();
  const delivery = await diedWithMessage(line.ground);
  const startedAt = Date.now();
  const attempt = {
    startedAt,
    durationMs: 1,
    request: { method: 'POST', url: line.receiver.url('/retried'), headers: {} },
    response: null,
    error: { code: 'ECONNREFUSED', message: 'nobody is there' },
    remoteAddress: null,
  };
  const nextAttemptAt = startedAt + 1_000;
  const turn = { round: 0, attempt: 1 };
  const failed = { kind: 'attempt_failed', delivery, turn, attempt, nextAttemptAt } as const;
  await open.streams.publish(encodeOutcome(failed, names));
  const history = stack.use(openChannel({ address, token: SERVICE_TOKEN })).client(QueryService);
  const as = { metadata: { 'grapnel-tenant': line.tenant } };
  await until('the history knows of the attempt', async () => {
    const found = await history.getDelivery({ deliveryId: delivery.id }, as).catch(() => null);
    return found?.delivery?.status === DeliveryStatus.RETRYING;
  });

  stack.use(await startDispatcher({ ...line.env, QUERY_GRPC: address }));
  const outcomes = await line.outcomes(id, 2);
  expect(outcomes.map((outcome) => [outcome.kind, 'turn' in outcome && outcome.turn.attempt])).toEqual([
    ['attempt_failed', 1],
    ['delivered', 2],
  ]);
  expect(line.receiver.requestsTo('/retried')).toHaveLength(1);
}, 60_000);
