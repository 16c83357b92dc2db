import { createSocket } from 'node:dgram';
import { once } from 'node:events';
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
/** Of an attempt; those that hang have come to it when the next second is measured. */
const TIMEOUT_SECONDS = 5;
/** Of traffic before each phase that is not measured. */
const SETTLE_SECONDS = TIMEOUT_SECONDS;

/** Classes of endpoints by their share of all; the rest is `ok`. */
const SHARES: Readonly<Record<string, number>> = { hanging: 0.01, bad: 0.05, dying: 0.2 };
/** What the endpoints of the class `bad` do with requests, one part each. */
const BAD: readonly Behaviour[] = ['hang', 'drip', 'reset', 'later', 'huge', 'refuse'];
/** And those that no request reaches, so that they are sent to while all misbehave only: their certificates are nobody's, name servers do not answer for them. */
const UNREACHABLE = ['certificate', 'name'] as const;
const KINDS = [...BAD, ...UNREACHABLE];

interface Endpoints {
  readonly healthy: readonly WebhookId[];
  readonly unreachable: ReadonlySet<WebhookId>;
  readonly byClass: ReadonlyMap<string, readonly WebhookId[]>;
}

interface Trouble {
  readonly name: string;
  readonly targets: readonly WebhookId[];
  readonly switchTo: (on: boolean) => void;
}

/**
 * 10,000 endpoints, all of which get their share of a steady traffic. What the healthy ones wait while others hang, are dead or
 * misbehave in every way, next to what they wait when nobody does: by turns, and the median of all turns, since one hiccup
 * of the machine is a 99th percentile.
 */
export const isolation: Bench = async ({ quick, log }) => {
  const count = quick ? 1_000 : 10_000;
  const seconds = quick ? 4 : 8;
  const turns = quick ? 1 : 3;
  const rate = quick ? 500 : 800;
  await using ground = await Ground.start(log);
  const { receiver } = ground;
  // Elsewhere, as they would be: an answer of 16 MB must not hold up those of the healthy ones in the process they share.
  await using troubled = await LoadReceiver.start();
  await using names = await silentNameServer();
  log(`making ${count} webhooks …`);
  const endpoints = await makeEndpoints(ground, troubled, count);
  await using dispatching = await ground.startDispatcher({ GRAPNEL_DNS_SERVERS: names.address });
  const pids = { dispatcher: dispatching.pid, nats: ground.natsPid };

  const phase = async (name: string, targets: readonly WebhookId[]): Promise<Measured> => {
    log(`${name} …`);
    const deliver = (n: number): Promise<unknown> =>
      ground.deliver(targets[(n * 7_919) % targets.length] ?? 'wh_', bodyOf(BYTES));
    // What the phase before has left under way is over or waits in lanes when the next begins to be measured.
    await steadily(rate, SETTLE_SECONDS, deliver);
    receiver.reset();
    await steadily(rate, seconds, deliver);
    await sleep(500);
    const report = await receiver.report();
    return report.classes['ok'] ?? { received: 0, p50: 0, p99: 0, p999: 0 };
  };

  const everyone = [...endpoints.healthy, ...[...endpoints.byClass.values()].flat()];
  const reachable = everyone.filter((id) => !endpoints.unreachable.has(id));
  const behave = (kinds: Readonly<Record<string, Behaviour>>, on: boolean): void =>
    troubled.tell({ behave: on ? kinds : Object.fromEntries(Object.keys(kinds).map((name) => [name, 'ok'])) });
  const bad = Object.fromEntries(BAD.map((kind) => [`bad${kind}`, kind]));
  const troubles: readonly Trouble[] = [
    { name: '1 % hang', targets: reachable, switchTo: (on) => behave({ hanging: 'hang' }, on) },
    { name: `5 % misbehave in ${KINDS.length} ways`, targets: everyone, switchTo: (on) => behave(bad, on) },
    // Last: what was for the dead is sent when they are back, on top of the next phases' traffic.
    {
      ...{ name: '20 % are dead', targets: reachable },
      switchTo: (on) => receiver.tell({ second: on ? 'closed' : 'open' }),
    },
  ];

  await phase('warming up', reachable);
  const bare = await bareLatency(receiver, rate, seconds);
  const figures: Figure[] = [
    { name: 'limit: bare undici at the same rate, p50', value: bare.p50, unit: 'ms' },
    { name: 'limit: bare undici at the same rate, p99', value: bare.p99, unit: 'ms' },
  ];
  const notes: string[] = [];
  for (const { name, targets, switchTo } of troubles) {
    const without: Measured[] = [];
    const beside: Measured[] = [];
    for (let turn = 0; turn < turns; turn++) {
      without.push(await phase('nobody misbehaves', reachable));
      switchTo(true);
      beside.push(await phase(name, targets));
      switchTo(false);
    }
    const pairs = beside.map((turn, i) => `${turn.p99.toFixed(1)} beside ${without[i]?.p99.toFixed(1)}`);
    notes.push(`${name}: p99 of each turn ${pairs.join(', ')} ms`);
    const p99 = medianOf(beside, 'p99');
    const healthyP99 = medianOf(without, 'p99');
    const share = medianOf(beside, 'received') / ((rate * seconds * endpoints.healthy.length) / targets.length);
    figures.push(
      { name: `${name}: healthy endpoints, p50`, value: medianOf(beside, 'p50'), unit: 'ms' },
      { name: `${name}: by turns with nobody, p50`, value: medianOf(without, 'p50'), unit: 'ms' },
      {
        name: `${name}: healthy endpoints, p99`,
        ...{ value: p99, unit: 'ms', ratio: { of: 'nobody', value: p99 / healthyP99 } },
      },
      { name: `${name}: by turns with nobody, p99`, value: healthyP99, unit: 'ms' },
      { name: `${name}: delivered of what is for healthy endpoints`, value: 100 * share, unit: '%' },
    );
  }
  for (const [name, mb] of Object.entries(residentMb(pids)))
    figures.push({ name: `memory: ${name}`, value: mb, unit: 'MB' });
  const cpu = cpuSeconds(pids);
  for (const [name, used] of Object.entries(cpu)) figures.push({ name: `CPU: ${name}`, value: used, unit: 's in all' });
  return { name: `isolation: ${count} endpoints, ${rate} deliveries/s of ${BYTES} bytes`, figures, notes };
};

function medianOf(turns: readonly Measured[], figure: keyof Measured): number {
  const sorted = turns.map((turn) => turn[figure]).toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

async function makeEndpoints(ground: Ground, troubled: LoadReceiver, count: number): Promise<Endpoints> {
  const origins: Readonly<Record<string, string>> = {
    ok: ground.receiver.url,
    dying: ground.receiver.secondUrl,
    badcertificate: troubled.untrustedUrl,
  };
  const urls: string[] = [];
  const classOf: string[] = [];
  for (let i = 0; i < count; i++) {
    const at = i / count;
    let name = 'ok';
    if (at < (SHARES['hanging'] ?? 0)) name = 'hanging';
    else if (at < (SHARES['hanging'] ?? 0) + (SHARES['bad'] ?? 0)) name = `bad${KINDS[i % KINDS.length]}`;
    else if (at < Object.values(SHARES).reduce((a, b) => a + b)) name = 'dying';
    classOf.push(name);
    const origin = name === 'badname' ? `http://endpoint-${i}.example.com` : (origins[name] ?? troubled.url);
    urls.push(`${origin}/${name}/${i}`);
  }
  const ids = await ground.webhooksFor(urls, { timeoutSeconds: TIMEOUT_SECONDS });
  const byClass = new Map<string, WebhookId[]>();
  ids.forEach((id, i) => {
    const name = classOf[i] ?? 'ok';
    byClass.set(name, [...(byClass.get(name) ?? []), id]);
  });
  const healthy = byClass.get('ok') ?? [];
  byClass.delete('ok');
  const unreachable = new Set(UNREACHABLE.flatMap((kind) => byClass.get(`bad${kind}`) ?? []));
  return { healthy, unreachable, byClass };
}

/** Takes every question and answers none. */
async function silentNameServer(): Promise<AsyncDisposable & { readonly address: string }> {
  const socket = createSocket('udp4').on('message', () => {});
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const close = (): Promise<void> => new Promise((resolve) => socket.close(() => resolve()));
  return { address: `127.0.0.1:${socket.address().port}`, [Symbol.asyncDispose]: close };
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
