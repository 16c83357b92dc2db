import { randomBytes } from 'node:crypto';
import { topology } from '@grapnel/contracts/topology';
import { systemClock } from '@grapnel/runtime/clock';
import { silentLogger } from '@grapnel/runtime/logger';
import { openStreams } from '@grapnel/stream/open';
import { DEFAULT_PROVISION, provision } from '@grapnel/stream/provision';
import { Agent } from 'undici';

/** What the machine can do without us, measured in the same run: per second. */
export interface Limits {
  /** Messages published to JetStream and acknowledged. */
  readonly publish: number;
  /** Messages consumed from JetStream and acknowledged. */
  readonly consume: number;
}

export const bodyOf = (bytes: number, t = performance.timeOrigin + performance.now()): string => {
  const frame = `{"t":${t.toFixed(3)},"pad":""}`;
  return frame.replace('""}', `"${'x'.repeat(Math.max(0, bytes - frame.length))}"}`);
};

export interface UndiciLimit {
  /** POSTs per second. */
  readonly rate: number;
  /** Microseconds of CPU for each, in the process that makes them: steadier than a rate where others use the machine. */
  readonly cpuMicros: number;
}

/** What one process that does nothing else makes of undici, 64 requests at a time. */
export async function undiciLimit(url: string, count: number, bytes: number): Promise<UndiciLimit> {
  const agent = new Agent({ connections: 64, pipelining: 1 });
  const headers = { 'content-type': 'application/json', 'x-signature': 'sha256='.padEnd(71, '0') };
  const body = Buffer.from(bodyOf(bytes, 0));
  const post = (): Promise<void> =>
    new Promise((resolve, reject) => {
      agent.dispatch(
        { origin: url, path: '/', method: 'POST', headers, body },
        {
          onRequestStart() {},
          onResponseStart() {},
          onResponseData() {},
          onResponseEnd: () => resolve(),
          onResponseError: (_c, error) => reject(error),
        },
      );
    });
  const before = process.cpuUsage();
  const rate = await perSecond(count, 64, post);
  const { user, system } = process.cpuUsage(before);
  await agent.destroy();
  return { rate, cpuMicros: (user + system) / count };
}

/** The mean of what was measured before and after. */
export const between = (a: UndiciLimit, b: UndiciLimit): UndiciLimit => ({
  rate: (a.rate + b.rate) / 2,
  cpuMicros: (a.cpuMicros + b.cpuMicros) / 2,
});

/** Publish, then consume, on a stream with the settings of DELIVERIES. */
export async function jetStreamLimits(
  nats: string,
  count: number,
  bytes: number,
): Promise<Pick<Limits, 'publish' | 'consume'>> {
  const id = `B${randomBytes(4).toString('hex').toUpperCase()}`;
  const names = topology({ stream: `${id}_`, subject: `${id.toLowerCase()}.` }, 1);
  const config = { servers: [nats], user: null, password: null, names };
  await using open = await openStreams(config, 'bench', systemClock, silentLogger);
  await provision(open.connections.publishing, names, DEFAULT_PROVISION);
  const { streams } = open;
  const body = Buffer.from(bodyOf(bytes, 0));
  let n = 0;
  const publish = await perSecond(count, 512, async () => {
    const subject = names.subjects.delivery(`wh_${n % 1_000}`);
    await streams.publish({ subject, body, headers: { 'X-Meta': 'x'.repeat(300) }, id: `m${n++}` });
  });
  const stop = new AbortController();
  const began = performance.now();
  let consumed = 0;
  const { streams: streamNames, consumers } = names;
  await streams.consume(
    { stream: streamNames.deliveries, durable: consumers.dispatch(0), maxInFlight: 1_024, signal: stop.signal },
    async (message) => {
      message.ack();
      if (++consumed === count) stop.abort();
    },
  );
  const consume = (count * 1_000) / (performance.now() - began);
  const manager = await import('@nats-io/jetstream').then(({ jetstreamManager }) =>
    jetstreamManager(open.connections.publishing),
  );
  for (const stream of Object.values(streamNames)) await manager.streams.delete(stream);
  return { publish, consume };
}

/** Runs `work` so many times, so many at once. */
export async function perSecond(count: number, concurrency: number, work: () => Promise<unknown>): Promise<number> {
  let left = count;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await work();
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: concurrency }, worker));
  return (count * 1_000) / (performance.now() - began);
}
