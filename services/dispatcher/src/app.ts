import { webhookIn } from '@grapnel/contracts/topology';
import type { WebhookId } from '@grapnel/domain/ids';
import { authenticator, noTenants } from '@grapnel/rpc/auth';
import { openChannel } from '@grapnel/rpc/client';
import { startRpcServer } from '@grapnel/rpc/server';
import { eventLoopBusyness } from '@grapnel/runtime/busyness';
import { type Clock, systemClock } from '@grapnel/runtime/clock';
import { Readiness } from '@grapnel/runtime/health';
import { type Logger, silentLogger } from '@grapnel/runtime/logger';
import { startOpsServer } from '@grapnel/runtime/ops-server';
import type { RunningApp } from '@grapnel/runtime/run';
import { SharedPlaces } from '@grapnel/runtime/shared-places';
import type { Telemetry } from '@grapnel/runtime/telemetry';
import { openCheckpoints } from '@grapnel/stream/checkpoints';
import { runLanePumps } from '@grapnel/stream/lane-pump';
import { openMembers } from '@grapnel/stream/members';
import { openStreams } from '@grapnel/stream/open';
import { openSharedValues } from '@grapnel/stream/shared-values';
import { DEFAULT_RESOLVER, NameResolver } from './attempt/name-resolver.ts';
import { UndiciSender } from './attempt/undici-sender.ts';
import type { DispatcherConfig } from './config.ts';
import type { Circuit } from './endpoint/circuit.ts';
import { EndpointDirectory } from './endpoint/directory.ts';
import { DEFAULT_GATES } from './endpoint/gate-options.ts';
import { Gates } from './endpoint/gates.ts';
import { keptCircuits } from './endpoint/kept-circuits.ts';
import { callOutService } from './grpc/call-out-service.ts';
import { deliveryService } from './grpc/delivery-service.ts';
import { observeDispatcher } from './observe-dispatcher.ts';
import { FanOutFloor } from './order/fan-out-floor.ts';
import { JobOrder } from './order/job-order.ts';
import { KeyOrder } from './order/key-order.ts';
import { Partitions } from './partitions.ts';
import { WaitingSkipper } from './skip-waiting.ts';
import { InFlight } from './turn/in-flight.ts';
import { LateEntries } from './turn/late-entries.ts';
import type { TurnEnd } from './turn/take-turn.ts';
import { Turns } from './turn/turns.ts';
import { WorkInProgress } from './turn/work-in-progress.ts';
import { WaitingWaker } from './wake-waiting.ts';

/** Of flows, beside the deliveries: they must not take each other's place. */
const MAX_CALL_OUTS = 512;
/** Outcomes and waits share writes: no customer waits for them, but what a crash repeats is what has not been written. */
const OUTCOMES_WAIT_MS = 3;

export interface DispatcherOverrides {
  readonly logger?: Logger;
  readonly clock?: Clock;
  readonly telemetry?: Telemetry;
}

/** Wires the service: endpoints by watch, gates, the sender, and the partitions and lanes it works on. */
export async function createApp(config: DispatcherConfig, overrides: DispatcherOverrides = {}): Promise<RunningApp> {
  const { clock = systemClock, logger = silentLogger, telemetry = null } = overrides;
  const { names } = config.stream;
  const { host, opsPort, instance, timeScale } = config.common;
  await using stack = new AsyncDisposableStack();
  const { streams, connections } = stack.use(
    await openStreams(config.stream, 'dispatcher', clock, logger, { waitMs: OUTCOMES_WAIT_MS }),
  );
  const toServices = { token: config.rpc.serviceToken, tls: config.rpc.tls };
  const subscription = stack.use(openChannel({ ...toServices, address: config.subscription }));

  /** Aborts what must not outlive the process: publishing again and again, waiting in lanes, watching. */
  const stop = new AbortController();
  const { signal } = stop;
  const query = config.query === null ? null : stack.use(openChannel({ ...toServices, address: config.query }));
  const owns = (webhook: WebhookId): boolean => partitions.owns(webhook);
  const skipper = new WaitingSkipper({ query, owns, streams, names, clock, logger, signal });
  const circuits = keptCircuits(
    stack.use(await openSharedValues<Circuit>(connections.publishing, names.buckets.circuits, logger)),
  );
  const gates = new Gates(clock, { ...DEFAULT_GATES, max: config.maxInFlightPerEndpoint, timeScale }, circuits);
  const waker = new WaitingWaker({ query, owns, gates, streams, names, clock, logger, signal });
  const endpoints = new EndpointDirectory(config.keyRing, config.signatureHeaders, clock, logger, {
    disabled: ({ id, tenant, lastAutoDisabledAt }) => skipper.skip(tenant, id, lastAutoDisabledAt ?? 0),
    mended: (endpoint) => {
      gates.forget(endpoint.id);
      waker.wake(endpoint);
    },
    eased: (endpoint) => waker.wake(endpoint),
  });
  const egress = {
    allowLocal: config.allowLocalWebhooks,
    connectTimeoutMs: config.connectTimeoutMs,
    ca: config.egressCa,
  };
  const sender = stack.use(
    new UndiciSender(egress, new NameResolver({ ...DEFAULT_RESOLVER, servers: config.dnsServers }), clock),
  );
  const inFlight = stack.use(new InFlight(clock, config.ackWaitMs, ({ subject }) => gates.isSlow(webhookIn(subject))));
  const ledgers = {
    streams,
    names,
    checkpoints: await openCheckpoints(connections.publishing, names.buckets.checkpoints),
    floor: new FanOutFloor(() => streams.lag(names.streams.events, names.consumers.fanout), clock),
    clock,
    logger,
  };
  const keyOrder = new KeyOrder({ ...ledgers, timeScale, signal });
  const turns = {
    endpoints,
    gates,
    sender,
    turns: new Turns<TurnEnd>(),
    jobOrder: new JobOrder(ledgers),
    keyOrder,
    late: new LateEntries({
      query,
      ownedSince: (webhook) => partitions.ownedSince(webhook),
      wokenAt: (webhook) => waker.wokenAt(webhook),
      clock,
      timeScale,
    }),
    streams,
    names,
    clock,
    timeScale,
    signal,
  };
  const workInProgress = new WorkInProgress(clock, eventLoopBusyness());
  const partitions = new Partitions({ ...turns, inFlight, workInProgress, logger });
  stack.use(observeDispatcher({ gates, inFlight, workInProgress, partitions, endpoints }));

  const following = endpoints.follow(subscription, signal);
  const pumping = runLanePumps({
    streams,
    names,
    clock,
    logger,
    timeScale,
    ackWaitMs: config.ackWaitMs,
    signal,
  });
  stack.defer(
    async () => void (await Promise.all([following, pumping, skipper.settled(), waker.settled(), keyOrder.settled()])),
  );
  stack.defer(() => stop.abort());
  // Attempts under way are finished before anything above is taken away.
  stack.use(partitions);
  stack.use(gates);
  stack.use(keyOrder);

  const readiness = new Readiness();
  readiness.add('streams', () => streams.problem());
  readiness.add('endpoints', () => endpoints.problem());
  const ops = stack.use(await startOpsServer({ host, port: opsPort, readiness, telemetry }));
  const server = stack.use(
    await startRpcServer({
      host,
      port: config.grpcPort,
      tls: config.rpc.tls,
      logger,
      authenticate: authenticator(config.rpc.serviceToken, noTenants),
      services: [
        deliveryService({ streams, names, endpoints, clock, gates, circuits }),
        callOutService({
          sender,
          policy: { allowLocal: config.allowLocalWebhooks },
          places: new SharedPlaces(MAX_CALL_OUTS),
        }),
      ],
    }),
  );
  await endpoints.loaded();
  const members = await openMembers(connections.publishing, names.buckets.members, clock, logger);
  stack.use(await members.join(instance, (all) => partitions.assign(instance, all)));
  stack.defer(() => readiness.beginStop());
  const running = stack.move();
  return {
    addresses: { grpc: server.address, ops: ops.url },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
