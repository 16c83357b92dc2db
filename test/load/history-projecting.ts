import { setTimeout as sleep } from 'node:timers/promises';
import { ProjectionService } from '@grapnel/contracts/gen/grapnel/query/v1/query_pb';
import { encodeOutcome } from '@grapnel/contracts/outcome-codec';
import type { Topology } from '@grapnel/contracts/topology';
import type { Outcome } from '@grapnel/domain/delivery/outcome';
import { deliveryIdOf } from '@grapnel/domain/ids';
import { bareUpsertRate } from '@grapnel/projector/testing/bare';
import { FILLED } from '@grapnel/projector/testing/fill';
import { openChannel } from '@grapnel/rpc/client';
import type { EventStreams } from '@grapnel/stream/ports';
import { cpuSeconds, difference } from './cpu.ts';
import { perSecond } from './limits.ts';
import type { Figure } from './report.ts';
import type { ServiceProcess } from './service-process.ts';

/** An attempt as a customer's server answers it, one in fifty with an error. */
function outcomeOf(n: number, now: number): Outcome {
  const webhookId = FILLED.webhook(n % FILLED.webhooks);
  const eventId = `event-${n}`;
  const delivery = {
    ...{ id: deliveryIdOf(FILLED.tenant, eventId, webhookId), tenant: FILLED.tenant, webhookId, eventId },
    ...{
      eventType: 'crawl.page',
      jobId: `job-${n % 500}`,
      taskId: null,
      eventTime: now - 5,
      createdAt: now + (n % 500),
    },
    ...{ test: false, bodyBytes: 1_024, webhookRevision: 1, sequence: n + 1 },
  };
  const good = n % 50 !== 0;
  const attempt = {
    ...{ startedAt: delivery.createdAt + 4, durationMs: 12.3, remoteAddress: '203.0.113.7' },
    request: {
      method: 'POST',
      url: `https://customer-${n % FILLED.webhooks}.example/hooks/crawler`,
      headers: {
        ...{ 'Content-Type': 'application/json', 'User-Agent': 'Grapnel/1', 'X-Webhook-Event': 'crawl.page' },
        ...{ 'X-Webhook-Delivery-Id': delivery.id, 'X-Webhook-Timestamp': '1732700000' },
        'X-AnyCrawl-Signature': `sha256=${'0'.repeat(64)}`,
      },
    },
    response: {
      status: good ? 200 : 500,
      headers: {
        server: 'nginx',
        date: 'Fri, 27 Nov 2026 20:00:00 GMT',
        'content-type': 'text/plain',
        connection: 'keep-alive',
      },
      body: good ? 'ok' : 'something is wrong here',
    },
    error: good ? null : { code: 'HTTP_500', message: 'the endpoint answered 500' },
  };
  const turn = { round: 0, attempt: 1 };
  return good
    ? { kind: 'delivered', delivery, turn, attempt }
    : { kind: 'attempt_failed', delivery, turn, attempt, nextAttemptAt: now + 60_000 };
}

export async function fillOutcomes(streams: EventStreams, names: Topology, count: number): Promise<void> {
  const now = performance.timeOrigin + performance.now();
  let n = 0;
  await perSecond(count, 512, () => streams.publish(encodeOutcome(outcomeOf(n++, Math.floor(now)), names)));
}

export interface ProjectingOptions {
  readonly projector: ServiceProcess;
  readonly token: string;
  /** What it writes to. */
  readonly databaseUrl: string;
  readonly pids: Readonly<Record<string, number>>;
  readonly count: number;
}

/** How fast a projector that has just begun takes in what waits in OUTCOMES. */
export async function projectingFigures({
  projector,
  token,
  databaseUrl,
  pids,
  count,
}: ProjectingOptions): Promise<Figure[]> {
  using channel = openChannel({ address: projector.addresses['grpc'] ?? '', token });
  const client = channel.client(ProjectionService);
  const position = async (): Promise<number> => {
    const { positions } = await client.getProjectionStatus({}).catch(() => ({ positions: [] }));
    return Number(positions.find(({ stream }) => stream.endsWith('OUTCOMES'))?.checkpoint ?? 0);
  };
  let at = 0;
  while (at === 0) {
    await sleep(5);
    at = await position();
  }
  // The start of the process is not part of the rate.
  const [first, began, before] = [at, performance.now(), cpuSeconds(pids)];
  while (at < count) {
    await sleep(20);
    at = await position();
  }
  const [rows, seconds] = [at - first, (performance.now() - began) / 1_000];
  const cpu = difference(cpuSeconds(pids), before);
  const bare = await bareUpsertRate(databaseUrl);
  return [
    { name: 'limit: rows upserted into a bare table', value: bare, unit: 'per s' },
    {
      ...{ name: 'outcomes projected', value: rows / seconds, unit: 'per s' },
      ratio: { of: 'bare table', value: rows / seconds / bare },
    },
    ...Object.entries(cpu).map(([name, used]) => ({
      ...{ name: `CPU while projecting: ${name}`, value: (used * 1_000) / (rows / 1_000), unit: 'ms per 1,000' },
    })),
  ];
}
