import { SetupError } from '@grapnel/embedded/setup-error';
import { systemClock } from '@grapnel/runtime/clock';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from './readiness.ts';
import { type Running, Supervised } from './supervised.ts';

/** A process that ends when the test says so. */
class Actor implements Running {
  static last = 0;
  readonly pid = ++Actor.last;
  readonly ready: Promise<void>;
  readonly exited: Promise<string>;
  readonly end: (how: string) => void;
  stopped = false;

  constructor(ready: Promise<void> = Promise.resolve()) {
    const { promise, resolve } = Promise.withResolvers<string>();
    this.ready = ready;
    this.exited = promise;
    this.end = resolve;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.end('exit code 0');
  }

  kill(): void {
    this.end('killed by SIGKILL');
  }
}

let supervised: Supervised | null = null;
afterEach(() => supervised?.stop());

function supervise(launch: () => Promise<Running>) {
  const said: string[] = [];
  const seen: (number | null)[] = [];
  const part = new Supervised({
    name: 'actor',
    launch,
    clock: systemClock,
    say: (line) => said.push(line),
    onChange: () => seen.push(part.pid),
  });
  supervised = part;
  return { part, said, seen };
}

const soon = (what: string, probe: () => boolean) =>
  until(what, async () => (probe() ? null : 'not yet'), {
    clock: systemClock,
    signal: new AbortController().signal,
    withinMs: 5_000,
  });

describe('supervision', () => {
  it('starts again what ends, and tells its new process id', async () => {
    const actors: Actor[] = [];
    const { part, said, seen } = supervise(async () => actors[actors.push(new Actor()) - 1] as Actor);
    await part.start();
    actors[0]?.end('killed by SIGKILL');
    await soon('the second one', () => said.includes('actor is back'));
    expect(said).toEqual(['actor ended (killed by SIGKILL); starting it again', 'actor is back']);
    expect(part.pid).toBe(actors[1]?.pid);
    expect(new Set(seen)).toEqual(new Set(actors.map(({ pid }) => pid)));
  });

  it('lets what it stops be', async () => {
    const actor = new Actor();
    const { part, said } = supervise(async () => actor);
    await part.start();
    await part.stop();
    expect(actor.stopped).toBe(true);
    expect(part.pid).toBeNull();
    expect(said).toEqual([]);
  });

  it('stops what was being launched', async () => {
    const actor = new Actor(Promise.reject(new Error('ended before it was ready')));
    const launched = Promise.withResolvers<Running>();
    const { part } = supervise(() => launched.promise);
    const starting = part.start();
    const stopping = part.stop();
    launched.resolve(actor);
    await stopping;
    expect(actor.stopped).toBe(true);
    await expect(starting).rejects.toThrow('was stopped');
  });

  it('gives up a first start after some tries, and at once when trying cannot help', async () => {
    let tries = 0;
    const flaky = supervise(() => {
      tries++;
      return Promise.reject(new Error('no'));
    });
    await expect(flaky.part.start()).rejects.toThrow('no');
    expect(tries).toBe(3);
    const hopeless = supervise(() => {
      tries++;
      return Promise.reject(new SetupError('install it'));
    });
    await expect(hopeless.part.start()).rejects.toThrow('install it');
    expect(tries).toBe(4);
  });

  it('never gives up a restart', async () => {
    let launches = 0;
    const first = new Actor();
    const { part, said } = supervise(async () => {
      launches++;
      if (launches === 1) return first;
      if (launches < 4) throw new SetupError('its port is in use');
      return new Actor();
    });
    await part.start();
    first.end('exit code 1');
    await soon('the fourth', () => said.includes('actor is back'));
    expect(launches).toBe(4);
  });
});
