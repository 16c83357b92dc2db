import { setTimeout as sleep } from 'node:timers/promises';
import type { WebhookId } from '@grapnel/domain/ids';
import { cpuSeconds, difference } from './cpu.ts';
import { Ground } from './ground.ts';
import { between, bodyOf, jetStreamLimits, perSecond, undiciLimit } from './limits.ts';
import type { Bench } from './report.ts';

const BYTES = 1_024;
const WEBHOOKS = 100;
/** Whose endpoints take 200 ms for an answer. */
const SLOW_WEBHOOKS = 5_000;

/** One dispatcher alone: how fast it empties a full DELIVERIES, next to what bare undici does on the same receiver. */
export const dispatcher: Bench = async ({ quick, log }) => {
  const count = quick ? 20_000 : 100_000;
  await using ground = await Ground.start(log);
  const { receiver } = ground;

  log('measuring the limits …');
  const undiciBefore = await undiciLimit(receiver.url, count, BYTES);
  const jetstream = await jetStreamLimits(ground.natsUrl, count, BYTES);
  const webhooks = await ground.webhooksFor(Array.from({ length: WEBHOOKS }, (_, i) => `${receiver.url}/ok/${i}`));

  const fill = async (targets: readonly WebhookId[], deliveries: number): Promise<void> => {
    log(`filling DELIVERIES with ${deliveries} …`);
    let n = 0;
    await perSecond(deliveries, 512, () => ground.deliver(targets[n++ % targets.length] ?? 'wh_', bodyOf(BYTES)));
    log('letting the dispatcher loose …');
  };
  await fill(webhooks, count);
  const { rate, cpu, received } = await emptied(ground, count);
  const undici = between(undiciBefore, await undiciLimit(receiver.url, count, BYTES));

  const slowWebhooks = await ground.webhooksFor(
    Array.from({ length: SLOW_WEBHOOKS }, (_, i) => `${receiver.url}/slow/${i}`),
  );
  receiver.tell({ behave: { slow: 'slow' } });
  await fill(slowWebhooks, count / 2);
  const slow = await emptied(ground, count / 2);
  const cpuMicros = ((cpu['dispatcher'] ?? 0) * 1e6) / count;
  return {
    name: `dispatcher: ${count} deliveries of ${BYTES} bytes to ${WEBHOOKS} webhooks, one process`,
    figures: [
      { name: 'limit: bare undici', value: undici.rate, unit: 'requests/s' },
      { name: 'limit: CPU of a bare undici request', value: undici.cpuMicros, unit: 'µs' },
      { name: 'limit: JetStream consume + ack', value: jetstream.consume, unit: 'messages/s' },
      { name: 'deliveries', value: rate, unit: 'per s', ratio: { of: 'bare undici', value: rate / undici.rate } },
      {
        name: 'CPU of a delivery in the dispatcher',
        value: cpuMicros,
        unit: 'µs',
        ratio: { of: 'a bare undici request', value: cpuMicros / undici.cpuMicros },
      },
      {
        name: 'deliveries to customers that take 200 ms',
        ...{ value: slow.rate, unit: 'per s', ratio: { of: 'those that take none', value: slow.rate / rate } },
      },
      { name: 'POSTs per delivery', value: received / count, unit: '' },
      ...Object.entries(cpu).map(([name, seconds]) => ({
        name: `CPU: ${name}`,
        value: (seconds * 1_000) / (count / 1_000),
        unit: 'ms per 1,000',
      })),
    ],
    notes: [],
  };
};

/** How fast `processes` dispatchers empty a DELIVERIES of `count`. Their start is not part of the rate. */
export async function emptied(ground: Ground, count: number, processes = 1) {
  const { receiver } = ground;
  receiver.reset();
  const began = performance.now();
  await using stack = new AsyncDisposableStack();
  const starting = Array.from({ length: processes }, (_, i) => ground.startDispatcher({ GRAPNEL_INSTANCE: `d${i}` }));
  const running = (await Promise.all(starting)).map((service) => stack.use(service));
  const pids = {
    ...Object.fromEntries(running.map(({ pid }, i) => [processes === 1 ? 'dispatcher' : `dispatcher ${i + 1}`, pid])),
    nats: ground.natsPid,
    receiver: receiver.pid,
  };
  let before = cpuSeconds(pids);
  let first = { at: 0, received: 0 };
  let report = await receiver.report();
  while (report.distinct < count) {
    if (performance.now() - began > 300_000) throw new Error(`only ${report.distinct} of ${count} deliveries arrived`);
    await sleep(50);
    report = await receiver.report();
    if (first.at === 0 && report.received > 0) {
      first = { at: performance.now(), received: report.received };
      before = cpuSeconds(pids);
    }
  }
  const rate = ((report.received - first.received) * 1_000) / (performance.now() - first.at);
  return { rate, cpu: difference(cpuSeconds(pids), before), received: report.received };
}
