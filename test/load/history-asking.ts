import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { DeliveryStatus, QueryService } from '@grapnel/contracts/gen/grapnel/query/v1/query_pb';
import { FILLED } from '@grapnel/projector/testing/fill';
import { type CallOptions, openChannel, type RpcClient } from '@grapnel/rpc/client';
import { cpuSeconds, difference } from './cpu.ts';
import { Histogram } from './histogram.ts';
import type { Figure } from './report.ts';

const DAY_MS = 86_400_000;
/** Every question takes its turn with another webhook, from the largest to the smallest. */
const WEBHOOKS = Array.from({ length: 100 }, (_, n) => n * 10).filter((n) => n % 5 !== 4);

type Client = RpcClient<typeof QueryService>;
type ListRequest = Parameters<Client['listDeliveries']>[0];

/** One question that people ask, the n-th time. */
interface Question {
  readonly name: string;
  readonly ask: (n: number) => Promise<unknown>;
}

export interface AskingOptions {
  /** Of the projector's gRPC server. */
  readonly address: string;
  readonly token: string;
  readonly now: number;
  readonly times: number;
  /** `projector` and `postgres`. */
  readonly pids: Readonly<Record<string, number>>;
  readonly log: (line: string) => void;
}

/** How long the history takes to answer over gRPC, one question at a time. */
export async function askingFigures({ address, token, now, times, pids, log }: AskingOptions): Promise<Figure[]> {
  using channel = openChannel({ address, token });
  const figures: Figure[] = [];
  for (const { name, ask } of await questions(channel.client(QueryService), now)) {
    const latencies = new Histogram();
    // The first ones open the connections and plan the statements.
    for (let n = 0; n < 10; n++) await ask(n);
    const before = cpuSeconds(pids);
    for (let n = 0; n < times; n++) {
      const began = performance.now();
      await ask(n);
      latencies.record(performance.now() - began);
    }
    const spent = Object.values(difference(cpuSeconds(pids), before)).reduce((sum, seconds) => sum + seconds, 0);
    const cpu = (spent * 1_000) / times;
    const [p50, p99] = [latencies.quantile(0.5), latencies.quantile(0.99)];
    figures.push(
      { name: `${name}, p50`, value: p50, unit: 'ms' },
      { name: `${name}, p99`, value: p99, unit: 'ms' },
      { name: `${name}, CPU`, value: cpu, unit: 'ms' },
    );
    log(`  ${name}: p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms, CPU ${cpu.toFixed(2)} ms`);
  }
  return figures;
}

async function questions(client: Client, now: number): Promise<Question[]> {
  const as: CallOptions = { metadata: { 'grapnel-tenant': FILLED.tenant } };
  const webhookId = (n: number): string => FILLED.webhook(WEBHOOKS[n % WEBHOOKS.length] as number);
  const list = (name: string, request: (n: number) => ListRequest): Question => ({
    name,
    ask: (n) => client.listDeliveries(request(n), as),
  });
  const tokens = await pageTokens(client, as);
  const { deliveries } = await client.listDeliveries({ pageSize: 1_000, offset: 5_000 }, as);
  const day = (n: number) => ({
    from: timestampFromMs(now - (2 + (n % 20)) * DAY_MS),
    to: timestampFromMs(now - (1 + (n % 20)) * DAY_MS),
  });
  const failed = { statuses: [DeliveryStatus.FAILED] };
  const rare = { eventTypes: [FILLED.rareType] };
  return [
    list('list of a webhook', (n) => ({ webhookId: webhookId(n) })),
    list('list of a webhook, deep page by cursor', (n) => tokens[n % tokens.length] as ListRequest),
    list('list of a webhook, failed', (n) => ({ webhookId: webhookId(n), ...failed })),
    list('list of a webhook, one type', (n) => ({ webhookId: webhookId(n), eventTypes: ['crawl.completed'] })),
    list('list of a webhook, rare type', (n) => ({ webhookId: webhookId(n), ...rare })),
    list('list of a webhook, family, failed', (n) => ({ webhookId: webhookId(n), eventTypes: ['crawl.*'], ...failed })),
    list('list of a webhook, one day', (n) => ({ webhookId: webhookId(n), ...day(n) })),
    list('list of a webhook, one day, type, failed', (n) => ({
      ...{ webhookId: webhookId(n), ...day(n), ...failed },
      eventTypes: ['crawl.page'],
    })),
    list('list of a webhook, offset 10,000', (n) => ({ webhookId: webhookId(n), offset: 10_000 })),
    list('list of a webhook, 1,000 a page', (n) => ({ webhookId: webhookId(n), pageSize: 1_000 })),
    list('list of the tenant', () => ({})),
    list('list of the tenant, failed', () => failed),
    list('list of the tenant, rare type', () => rare),
    list('list of the tenant, rare type, failed', () => ({ ...rare, ...failed })),
    list('list of the tenant, one day, family', (n) => ({ ...day(n), eventTypes: ['crawl.*'] })),
    list('list of the tenant, 1,000 a page', () => ({ pageSize: 1_000 })),
    {
      name: 'statistics of 100 webhooks',
      ask: (n) =>
        client.getWebhookStatistics({ webhookIds: Array.from({ length: 100 }, (_, i) => FILLED.webhook(n + i)) }, as),
    },
    {
      name: 'one delivery with its attempts',
      ask: (n) => client.getDelivery({ deliveryId: deliveries[n % deliveries.length]?.id ?? '' }, as),
    },
  ];
}

/** Pages far from the first, of the larger webhooks. */
async function pageTokens(client: Client, as: CallOptions): Promise<ListRequest[]> {
  const requests: ListRequest[] = [];
  for (const n of WEBHOOKS.slice(0, 20)) {
    let request: ListRequest = { webhookId: FILLED.webhook(n), pageSize: 1_000 };
    for (let page = 0; page < 5; page++) {
      const { nextPageToken } = await client.listDeliveries(request, as);
      if (nextPageToken === '') break;
      request = { ...request, pageToken: nextPageToken };
    }
    requests.push({ ...request, pageSize: 100 });
  }
  return requests;
}
