import { setTimeout as sleep } from 'node:timers/promises';
import { GrapnelProducer } from '@grapnel/client/producer';
import { type ProcessPlatform, startProcessPlatform } from '../support/process-platform.ts';
import { cpuSeconds, difference, residentMb } from './cpu.ts';
import { between, jetStreamLimits, undiciLimit } from './limits.ts';
import { LoadReceiver } from './receiver.ts';
import type { Bench, BenchOptions, Figure } from './report.ts';
import { steadily, until } from './steady.ts';

const BYTES = 1_024;
const WEBHOOKS = 20;
/** Until the code of a service that runs for days is compiled. */
const WARM_UP = { quick: 5_000, full: 20_000 };

/**
 * Publish → customer, everything on this machine: the platform's processes, nats-server, Postgres, the customer and the load.
 * First as fast as it goes, then at shares of that rate for the latency.
 */
export const pipeline: Bench = async (options) => {
  await using stack = new AsyncDisposableStack();
  const receiver = stack.use(await LoadReceiver.start());
  options.log('starting the platform …');
  const platform = stack.use(await startProcessPlatform());
  const count = options.quick ? 5_000 : 50_000;

  options.log('measuring the limits …');
  const undiciBefore = await undiciLimit(receiver.url, count, BYTES);
  const jetstream = await jetStreamLimits(platform.runtime.nats, count, BYTES);

  const jobs = await subscribe(platform, receiver.url);
  const producer = stack.use(
    new GrapnelProducer({ address: platform.runtime.ingestGrpc, apiKey: platform.runtime.apiKey }),
  );
  const warmUp = options.quick ? WARM_UP.quick : WARM_UP.full;
  await flood(producer, jobs, receiver, warmUp, options);
  await historyHolds(platform, warmUp);

  options.log(`as fast as it goes: ${count} events …`);
  const pids = { ...platform.runtime.pids, receiver: receiver.pid, load: process.pid };
  const before = cpuSeconds(pids);
  const peak = await flood(producer, jobs, receiver, count, options);
  const lagMs = await historyHolds(platform, warmUp + count);
  const cpu = difference(cpuSeconds(pids), before);
  const undici = between(undiciBefore, await undiciLimit(receiver.url, count, BYTES));
  const memory = residentMb(pids);

  const figures: Figure[] = [
    { name: 'limit: bare undici', value: undici.rate, unit: 'requests/s' },
    { name: 'limit: JetStream publish', value: jetstream.publish, unit: 'messages/s' },
    { name: 'limit: JetStream consume + ack', value: jetstream.consume, unit: 'messages/s' },
    {
      name: 'published and delivered',
      value: peak.rate,
      unit: 'deliveries/s',
      ratio: { of: 'bare undici', value: peak.rate / undici.rate },
    },
    { name: 'POSTs per delivery', value: peak.received / peak.distinct, unit: '' },
    { name: 'history complete after the last delivery', value: lagMs, unit: 'ms' },
  ];
  for (const share of [0.25, 0.5, 0.75]) {
    const rate = peak.rate * share;
    options.log(`at ${share * 100} %: ${Math.round(rate)}/s …`);
    const paced = await pace(producer, jobs, receiver, rate, options.quick ? 3 : 10);
    const at = `latency at ${share * 100} % load`;
    figures.push(
      { name: `${at}, p50`, value: paced.p50, unit: 'ms' },
      { name: `${at}, p99`, value: paced.p99, unit: 'ms' },
      { name: `${at}, p99.9`, value: paced.p999, unit: 'ms' },
    );
  }
  for (const [name, seconds] of Object.entries(cpu)) {
    figures.push({ name: `CPU: ${name}`, value: (seconds * 1_000) / (count / 1_000), unit: 'ms per 1,000 deliveries' });
  }
  for (const [name, mb] of Object.entries(memory)) figures.push({ name: `memory: ${name}`, value: mb, unit: 'MB' });
  return { name: `pipeline: ${count} events of ${BYTES} bytes, one delivery each`, figures, notes: [] };
};

/** Webhooks of scope `specific`, so that every event is one delivery and the endpoints share the work. */
async function subscribe(platform: ProcessPlatform, url: string): Promise<string[]> {
  const tasks = Array.from({ length: WEBHOOKS }, (_, i) => `task-${i}`);
  for (const task of tasks) {
    await platform.api('POST', '/v1/webhooks', {
      name: task,
      webhook_url: `${url}/${task}`,
      event_types: ['crawl.page'],
      scope: 'specific',
      specific_task_ids: [task],
    });
  }
  return tasks;
}

/** Waits until the history has counted so many deliveries: their cost is not all paid when the customer has them. */
async function historyHolds(platform: ProcessPlatform, count: number): Promise<number> {
  const began = performance.now();
  const counted = async (): Promise<number> => {
    const { data } = (await platform.api('GET', '/v1/webhooks?limit=100')) as { data: { total_deliveries: number }[] };
    return data.reduce((sum, { total_deliveries }) => sum + total_deliveries, 0);
  };
  if (!(await until(async () => (await counted()) >= count, 120))) throw new Error('the history did not catch up');
  return performance.now() - began;
}

const publishTo = (producer: GrapnelProducer, tasks: readonly string[], n: number): Promise<unknown> =>
  producer.publish({ type: 'crawl.page', taskId: tasks[n % tasks.length] as string, data: payload() });

const PAD = 'x'.repeat(BYTES - 40);
const payload = () => ({ t: performance.timeOrigin + performance.now(), pad: PAD });

interface Flood {
  readonly rate: number;
  readonly received: number;
  readonly distinct: number;
}

async function flood(
  producer: GrapnelProducer,
  tasks: readonly string[],
  receiver: LoadReceiver,
  count: number,
  { log }: BenchOptions,
): Promise<Flood> {
  receiver.reset();
  const began = performance.now();
  let n = 0;
  const worker = async (): Promise<void> => {
    while (n < count) await publishTo(producer, tasks, n++);
  };
  await Promise.all(Array.from({ length: 1_000 }, worker));
  log(`  published at ${Math.round((count * 1_000) / (performance.now() - began))}/s`);
  let report = await receiver.report();
  const deadline = performance.now() + 120_000;
  while (report.distinct < count) {
    if (performance.now() > deadline) throw new Error(`only ${report.distinct} of ${count} deliveries arrived`);
    await sleep(20);
    report = await receiver.report();
  }
  return { rate: (count * 1_000) / (performance.now() - began), received: report.received, distinct: report.distinct };
}

async function pace(
  producer: GrapnelProducer,
  tasks: readonly string[],
  receiver: LoadReceiver,
  rate: number,
  seconds: number,
) {
  receiver.reset();
  const total = await steadily(rate, seconds, (n) => publishTo(producer, tasks, n));
  await until(async () => (await receiver.report()).distinct >= total, 60);
  return receiver.report();
}
