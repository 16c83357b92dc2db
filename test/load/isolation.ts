import { setTimeout as sleep } from 'node:timers/promises';
import type { WebhookId } from '@grapnel/domain/ids';
import { Agent } from 'undici';
import { cpuSeconds, residentMb } from './cpu.ts';
import { Ground } from './ground.ts';
import { bodyOf } from './limits.ts';
import { LoadReceiver } from './receiver.ts';
import type { Behaviour, Measured } from './receiver-process.ts';
import type { Bench, Figure } from './report.ts';
import { steadily } from './steady.ts';

const BYTES = 1_024;

/** Classes of endpoints by their share of all; the rest is `ok`. */
const SHARES: Readonly<Record<string, number>> = { hanging: 0.01, bad: 0.05, dying: 0.2 };
/** What the endpoints of the class `bad` do, one part each. */
const BAD: readonly Behaviour[] = ['hang', 'drip', 'reset', 'later', 'huge', 'refuse'];

interface Endpoints {
  readonly healthy: readonly WebhookId[];
  readonly byClass: ReadonlyMap<string, readonly WebhookId[]>;
}

/**
 * 10,000 endpoints, all of which get their share of a steady traffic. What the healthy ones wait while others hang, are dead or
 * misbehave in every way, next to what they wait when nobody does; before and after each, since machines are noisy.
 */
export const isolation: Bench = async ({ quick, log }) => {
  const count = quick ? 1_000 : 10_000;
  const seconds = quick ? 8 : 20;
  const rate = quick ? 500 : 800;
  await using ground = await Ground.start(log);
  const { receiver } = ground;
  // Elsewhere, as they would be: an answer of 16 MB must not hold up those of the healthy ones in the process they share.
  await using troubled = await LoadReceiver.start();
  log(`making ${count} webhooks …`);
  const endpoints = await makeEndpoints(ground, troubled, count);
  await using dispatching = await ground.startDispatcher();
  const pids = { dispatcher: dispatching.pid, nats: ground.natsPid };

  const everyone = [...endpoints.healthy, ...[...endpoints.byClass.values()].flat()];
  const phase = async (name: string, targets: readonly WebhookId[]): Promise<Measured> => {
    log(`${name} …`);
    // What the phase before has left under way is over or waits in lanes when the next begins to be measured.
    await steadily(rate, seconds / 4, (n) =>
      ground.deliver(targets[(n * 7_919) % targets.length] ?? 'wh_', bodyOf(BYTES)),
    );
    receiver.reset();
    await steadily(rate, seconds, (n) => ground.deliver(targets[(n * 7_919) % targets.length] ?? 'wh_', bodyOf(BYTES)));
    await sleep(500);
    const report = await receiver.report();
    return report.classes['ok'] ?? { received: 0, p50: 0, p99: 0, p999: 0 };
  };
  const only = (...classes: string[]): WebhookId[] => [
    ...endpoints.healthy,
    ...classes.flatMap((name) => [...(endpoints.byClass.get(name) ?? [])]),
  ];

  await phase('warming up', everyone);
  const bare = await bareLatency(receiver, rate, seconds / 2);
  const runs: [string, Measured][] = [];
  const healthy = async (): Promise<void> => void runs.push(['healthy', await phase('nobody misbehaves', everyone)]);

  await healthy();
  troubled.tell({ behave: { hanging: 'hang' } });
  runs.push(['1 % hanging', await phase('1 % hang', everyone)]);
  troubled.tell({ behave: { hanging: 'ok' } });
  await healthy();
  receiver.tell({ second: 'closed' });
  runs.push(['20 % dead', await phase('20 % are dead', everyone)]);
  receiver.tell({ second: 'open' });
  await healthy();
  troubled.tell({ behave: Object.fromEntries(BAD.map((behaviour) => [`bad${behaviour}`, behaviour])) });
  runs.push(['5 % bad in six ways', await phase('5 % misbehave in six ways', everyone)]);
  troubled.tell({ behave: Object.fromEntries(BAD.map((behaviour) => [`bad${behaviour}`, 'ok' as const])) });
  runs.push(['healthy', await phase('nobody misbehaves', only())]);

  const figures: Figure[] = [
    { name: 'limit: bare undici at the same rate, p50', value: bare.p50, unit: 'ms' },
    { name: 'limit: bare undici at the same rate, p99', value: bare.p99, unit: 'ms' },
  ];
  runs.forEach(([name, measured], i) => {
    const around = [runs[i - 1], runs[i + 1]].flatMap((run) => (run?.[0] === 'healthy' ? [run[1].p99] : []));
    const baseline = around.reduce((sum, p99) => sum + p99, 0) / Math.max(1, around.length);
    const ratio =
      name === 'healthy' ? {} : { ratio: { of: 'healthy before and after', value: measured.p99 / baseline } };
    figures.push(
      { name: `${i + 1}. ${name}: healthy endpoints, p50`, value: measured.p50, unit: 'ms' },
      { name: `${i + 1}. ${name}: healthy endpoints, p99`, value: measured.p99, unit: 'ms', ...ratio },
      { name: `${i + 1}. ${name}: deliveries to healthy endpoints`, value: measured.received / seconds, unit: 'per s' },
    );
  });
  for (const [name, mb] of Object.entries(residentMb(pids)))
    figures.push({ name: `memory: ${name}`, value: mb, unit: 'MB' });
  const cpu = cpuSeconds(pids);
  for (const [name, used] of Object.entries(cpu)) figures.push({ name: `CPU: ${name}`, value: used, unit: 's in all' });
  return { name: `isolation: ${count} endpoints, ${rate} deliveries/s of ${BYTES} bytes`, figures, notes: [] };
};

async function makeEndpoints(ground: Ground, troubled: LoadReceiver, count: number): Promise<Endpoints> {
  const origins: Readonly<Record<string, string>> = { ok: ground.receiver.url, dying: ground.receiver.secondUrl };
  const urls: string[] = [];
  const classOf: string[] = [];
  for (let i = 0; i < count; i++) {
    const at = i / count;
    let name = 'ok';
    if (at < (SHARES['hanging'] ?? 0)) name = 'hanging';
    else if (at < (SHARES['hanging'] ?? 0) + (SHARES['bad'] ?? 0)) name = `bad${BAD[i % BAD.length]}`;
    else if (at < Object.values(SHARES).reduce((a, b) => a + b)) name = 'dying';
    classOf.push(name);
    urls.push(`${origins[name] ?? troubled.url}/${name}/${i}`);
  }
  const ids = await ground.webhooksFor(urls, { timeoutSeconds: 10 });
  const byClass = new Map<string, WebhookId[]>();
  ids.forEach((id, i) => {
    const name = classOf[i] ?? 'ok';
    byClass.set(name, [...(byClass.get(name) ?? []), id]);
  });
  const healthy = byClass.get('ok') ?? [];
  byClass.delete('ok');
  return { healthy, byClass };
}

/** What the machine and the receiver take for a POST at the same rate, without us. */
async function bareLatency(receiver: LoadReceiver, rate: number, seconds: number): Promise<Measured> {
  const agent = new Agent({ connections: 64, pipelining: 1 });
  receiver.reset();
  const headers = { 'content-type': 'application/json' };
  await steadily(rate, seconds, async () => {
    const answer = await agent.request({
      origin: receiver.url,
      path: '/bare/',
      method: 'POST',
      headers,
      body: bodyOf(BYTES),
    });
    await answer.body.dump();
  });
  await agent.destroy();
  const report = await receiver.report();
  return report.classes['bare'] ?? { received: 0, p50: 0, p99: 0, p999: 0 };
}
