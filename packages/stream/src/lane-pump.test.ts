import { decodeRetryEntry, encodeLaneEntry } from '@grapnel/contracts/retry-codec';
import { topology } from '@grapnel/contracts/topology';
import { type Clock, systemClock } from '@grapnel/runtime/clock';
import { silentLogger } from '@grapnel/runtime/logger';
import { eventually } from '@grapnel/testkit/eventually';
import { natsUrl, testPrefix } from '@grapnel/testkit/infra';
import { expect, it } from 'vitest';
import { runLanePumps } from './lane-pump.ts';
import { openStreams } from './open.ts';
import { DEFAULT_PROVISION, provision } from './provision.ts';
import { entryFor } from './retry-entry.test-support.ts';

const skewed = (ms: number): Clock => ({ ...systemClock, now: () => Date.now() + ms });

it.each([0, 5, 300, -300])(
  'AC-17 lets entries out when they are due: any delay, none early, none lost, with a clock off by %i ms',
  async (skew) => {
    const clock = skewed(skew);
    const names = topology(testPrefix(), 2);
    const config = { servers: [natsUrl()], user: null, password: null, names };
    await using open = await openStreams(config, 'test', systemClock, silentLogger);
    await provision(open.connections.publishing, names, DEFAULT_PROVISION);
    const { streams } = open;
    const stop = new AbortController();
    const timeScale = 10;
    const ackWaitMs = DEFAULT_PROVISION.ackWaitMs;
    const common = {
      ackWaitMs,
      streams,
      names,
      clock,
      logger: silentLogger,
      timeScale,
      signal: stop.signal,
    };
    // Two pumps, as two dispatchers run them.
    const pumps = [runLanePumps(common), runLanePumps(common)];

    // With the scale of 10 the lanes are 0.1, 0.2, 0.5, 1, 3, 6 s …: these waits need none, one and several hops.
    const waits = [10, 100, 150, 1_000, 1_230, 2_345, 0, -500, ...Array.from({ length: 100 }, () => 500)];
    for (const [n, wait] of waits.entries()) {
      await streams.publish(
        encodeLaneEntry(entryFor(n, clock.now() + wait), `replay:${n}`, clock.now(), timeScale, names),
      );
    }
    const lateness = new Map<string, number[]>();
    const consuming = [0, 1].map((p) =>
      streams.consume(
        { stream: names.streams.retries, durable: names.consumers.due(p), maxInFlight: 50, signal: stop.signal },
        async (message) => {
          const { delivery, dueAt } = decodeRetryEntry(message);
          lateness.set(delivery.id, [...(lateness.get(delivery.id) ?? []), clock.now() - dueAt]);
          message.ack();
        },
      ),
    );
    await eventually(() => expect(lateness.size).toBe(waits.length));
    for (const times of lateness.values()) {
      expect(times).toHaveLength(1);
      expect(times[0]).toBeGreaterThanOrEqual(-1);
    }
    await eventually(async () => expect((await streams.state(names.streams.retries)).messages).toBe(0));
    stop.abort();
    await Promise.all([...pumps, ...consuming]);
  },
);
