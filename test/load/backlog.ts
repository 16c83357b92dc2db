import { encodeDelivery } from '@grapnel/contracts/delivery-codec';
import { encodeLaneEntry } from '@grapnel/contracts/retry-codec';
import type { WebhookId } from '@grapnel/domain/ids';
import { residentMb } from './cpu.ts';
import { Ground } from './ground.ts';
import { bodyOf, perSecond } from './limits.ts';
import type { Bench } from './report.ts';
import { steadily, until } from './steady.ts';

const BYTES = 1_024;
const WEBHOOKS = 1_000;
const HOUR_MS = 3_600_000;

/**
 * A million deliveries wait in the lanes. Some come due all the time: how late they are; what live deliveries take beside
 * them; what it costs in memory; how long a dispatcher takes to start into it.
 */
export const backlog: Bench = async ({ quick, log }) => {
  const waiting = quick ? 50_000 : 1_000_000;
  const [seconds, dueRate, liveRate] = quick ? [10, 200, 200] : [30, 300, 300];
  await using ground = await Ground.start(log);
  const { receiver } = ground;
  const due = await ground.webhooksFor(Array.from({ length: WEBHOOKS }, (_, i) => `${receiver.url}/due/${i}`));
  const live = await ground.webhooksFor(Array.from({ length: WEBHOOKS }, (_, i) => `${receiver.url}/live/${i}`));
  let dispatching = await ground.startDispatcher();
  const pids = () => ({ dispatcher: dispatching.pid, nats: ground.natsPid });

  const measure = async () => {
    receiver.reset();
    const retries = steadily(dueRate, seconds, (n) => later(ground, due[n % WEBHOOKS] ?? 'wh_', 2_000 + (n % 5_000)));
    const fresh = steadily(liveRate, seconds, (n) => ground.deliver(live[n % WEBHOOKS] ?? 'wh_', bodyOf(BYTES)));
    const all = (await retries) + (await fresh);
    await until(async () => (await receiver.report()).received >= all, 30);
    const report = await receiver.report();
    const nothing = { received: 0, p50: 0, p99: 0, p999: 0 };
    return {
      lost: all - report.distinct,
      late: report.classes['due'] ?? nothing,
      live: report.classes['live'] ?? nothing,
    };
  };

  log('without a backlog …');
  await measure();
  const without = await measure();
  const memoryBefore = residentMb(pids());

  log(`letting ${waiting} wait …`);
  let n = 0;
  const fill = await perSecond(waiting, 512, () =>
    later(ground, due[n++ % WEBHOOKS] ?? 'wh_', HOUR_MS + (n % HOUR_MS)),
  );
  log('with the backlog …');
  const beside = await measure();
  const memory = residentMb(pids());

  log('starting again …');
  await dispatching[Symbol.asyncDispose]();
  const began = performance.now();
  dispatching = await ground.startDispatcher();
  const ready = performance.now() - began;
  const after = await measure();
  await dispatching[Symbol.asyncDispose]();

  const ratio = (of: number, value: number) => ({ ratio: { of: 'without a backlog', value: value / of } });
  return {
    name: `backlog: ${waiting} deliveries waiting, ${dueRate} due and ${liveRate} live a second`,
    figures: [
      { name: 'put into lanes', value: fill, unit: 'per s' },
      { name: 'limit: lateness without a backlog, p50', value: without.late.p50, unit: 'ms' },
      { name: 'limit: lateness without a backlog, p99', value: without.late.p99, unit: 'ms' },
      { name: 'lateness, p50', value: beside.late.p50, unit: 'ms', ...ratio(without.late.p50, beside.late.p50) },
      { name: 'lateness, p99', value: beside.late.p99, unit: 'ms', ...ratio(without.late.p99, beside.late.p99) },
      { name: 'limit: live without a backlog, p99', value: without.live.p99, unit: 'ms' },
      { name: 'live beside it, p99', value: beside.live.p99, unit: 'ms', ...ratio(without.live.p99, beside.live.p99) },
      { name: 'start of a dispatcher', value: ready, unit: 'ms' },
      { name: 'lateness after it, p99', value: after.late.p99, unit: 'ms' },
      { name: 'lost', value: without.lost + beside.lost + after.lost, unit: '' },
      ...Object.entries(memory).flatMap(([name, mb]) => [
        { name: `memory before: ${name}`, value: memoryBefore[name] ?? 0, unit: 'MB' },
        { name: `memory with it: ${name}`, value: mb, unit: 'MB' },
      ]),
    ],
    notes: [],
  };
};

/** A delivery whose second attempt is due after `ms`; its body tells when, so that what the receiver measures is lateness. */
async function later(ground: Ground, webhookId: WebhookId, ms: number): Promise<void> {
  const now = Date.now();
  const { delivery, bytes } = ground.delivery(webhookId, bodyOf(BYTES, now + ms));
  // On a subject of the same stream that no dispatcher reads, so that there is no first attempt.
  const { names, streams } = ground;
  const message = encodeDelivery(delivery, bytes, null, names);
  const stored = await streams.publish({ ...message, subject: ground.asideSubject });
  const entry = {
    delivery: { ...delivery, sequence: stored.sequence },
    turn: { round: 0, attempt: 2 },
    dueAt: now + ms,
    reason: 'backoff',
    traceparent: null,
  } as const;
  await streams.publish(encodeLaneEntry(entry, `delivery:${stored.sequence}`, now, 1, names));
}
