import type { WebhookId } from '@grapnel/domain/ids';
import { FakeClock } from '@grapnel/testkit/fake-clock';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Admission, type Feedback, type Permit } from './gate.ts';
import { DEFAULT_GATES } from './gate-options.ts';
import { type Circuits, Gates } from './gates.ts';

const A: WebhookId = 'wh_a';
const B: WebhookId = 'wh_b';
const OPTIONS = { ...DEFAULT_GATES, max: 2, slowQueue: 3 };
const ANSWERED: Feedback = { kind: 'answered' };
const NO_ANSWER: Feedback = { kind: 'no_answer' };

describe('gates in front of endpoints', () => {
  let clock: FakeClock;
  let gates: Gates;
  beforeEach(() => {
    clock = new FakeClock();
    gates = new Gates(clock, OPTIONS);
  });

  const admit = async (id: WebhookId, returning = false, rateLimitPerSecond: number | null = null) => {
    if (returning) gates.returned(id);
    return gates.admit({ id, rateLimitPerSecond });
  };
  const permit = async (id: WebhookId): Promise<Permit> => {
    const admission = await admit(id);
    if ('away' in admission) throw new Error('sent away');
    return admission;
  };
  /** An attempt from its beginning until what came of it is stored. */
  const attempt = async (id: WebhookId, feedback: Feedback): Promise<void> => end(await permit(id), feedback);
  const end = (ended: Permit, feedback: Feedback): void => {
    ended.done(feedback);
    ended.settled();
  };
  /** Asks and remembers the answer, without waiting for it. */
  const ask = (id: WebhookId, perSecond: number | null = null): { answer?: Admission } => {
    const asked: { answer?: Admission } = {};
    void (async () => {
      asked.answer = await admit(id, false, perSecond);
    })();
    return asked;
  };

  it('let in up to the cap, then one for one that is done', async () => {
    const first = await permit(A);
    await permit(A);
    const third = ask(A);
    await clock.advance(1);
    expect(third.answer).toBeUndefined();
    expect(gates.queued).toBe(1);
    end(first, ANSWERED);
    await clock.advance(1);
    expect(third.answer).toHaveProperty('done');
    expect(gates.underWay).toBe(2);
  });

  it('let no more begin while as many again as the cap are not stored', async () => {
    for (let n = 0; n < 2; n++) (await permit(A)).done(ANSWERED);
    const stored = await permit(A);
    stored.done(ANSWERED);
    await permit(A);
    const next = ask(A);
    await clock.advance(1);
    expect(gates.underWay).toBe(1);
    expect(next.answer).toBeUndefined();
    stored.settled();
    await clock.advance(1);
    expect(next.answer).toHaveProperty('done');
    expect(gates.underWay).toBe(2);
  });

  it('keep endpoints apart', async () => {
    await permit(A);
    await permit(A);
    await permit(B);
    expect(gates.underWay).toBe(3);
  });

  it('count a permit that is given back twice once', async () => {
    const one = await permit(A);
    await permit(A);
    one.done(ANSWERED);
    one.done(ANSWERED);
    expect(gates.underWay).toBe(1);
  });

  it('send away what would queue behind an endpoint that hangs, with a wait that fits the backlog', async () => {
    await permit(A);
    await permit(A);
    const queued = ask(A);
    await clock.advance(2_500);
    // The sweep has emptied the queue, and new ones are sent away at once.
    expect(queued.answer).toMatchObject({ away: 'over_cap' });
    expect(await admit(A)).toMatchObject({ away: 'over_cap', waitMs: expect.any(Number) });
    expect(gates.queued).toBe(0);
    await permit(B);
  });

  it('send away what comes after the short queue of a slow endpoint, each for longer than the one before, and less when some are back', async () => {
    const first = await permit(A);
    await permit(A);
    await clock.advance(1_500);
    end(first, ANSWERED);
    await permit(A);
    for (let i = 0; i < OPTIONS.slowQueue; i++) ask(A);
    const waits: number[] = [];
    for (let i = 0; i < 5; i++) {
      const answer = await admit(A);
      waits.push('away' in answer ? answer.waitMs : 0);
    }
    expect(waits).toEqual(waits.toSorted((a, b) => a - b));
    expect(new Set(waits).size).toBe(5);
    expect(await admit(A, true)).toMatchObject({ away: 'over_cap', waitMs: waits[4] });
  });

  it('call nobody slow when all are slow alike', async () => {
    for (let i = 0; i < 200; i++) {
      const [a, b] = [await permit(A), await permit(B)];
      await clock.advance(400);
      end(a, ANSWERED);
      end(b, ANSWERED);
    }
    expect([gates.isSlow(A), gates.isSlow(B)]).toEqual([false, false]);
    await permit(A);
    await permit(A);
    const queued = Array.from({ length: 20 }, () => ask(A));
    await clock.advance(300);
    expect(queued.every(({ answer }) => answer === undefined)).toBe(true);
  });

  it('know a slow endpoint also where it has most of the attempts, or most endpoints are slow', async () => {
    const quick = async (id: WebhookId) => end(await permit(id), ANSWERED);
    for (let i = 0; i < 300; i++) {
      const [a, b] = [await permit(A), await permit(A)];
      await quick(B);
      await clock.advance(700);
      end(a, ANSWERED);
      end(b, ANSWERED);
    }
    expect([gates.isSlow(A), gates.isSlow(B)]).toEqual([true, false]);
    const many = Array.from({ length: 20 }, (_, n): WebhookId => `wh_slow${n}`);
    for (let i = 0; i < 100; i++) {
      const begun = await Promise.all(many.map((id) => permit(id)));
      await clock.advance(3_000);
      for (const each of begun) end(each, ANSWERED);
      await quick(B);
    }
    expect([...many.map((id) => gates.isSlow(id)), gates.isSlow(B)]).toEqual([...many.map(() => true), false]);
  });

  it('send everything that queues away at a stop', async () => {
    await permit(A);
    await permit(A);
    const queued = ask(A);
    gates[Symbol.dispose]();
    await clock.advance(1);
    expect(queued.answer).toMatchObject({ away: 'over_cap' });
    expect(gates.queued).toBe(0);
  });

  it('leave an endpoint alone that does not answer, empty its queue, and let one attempt find out', async () => {
    for (let i = 0; i < 9; i++) await attempt(A, NO_ANSWER);
    const last = await permit(A);
    const queued = ask(A);
    end(last, NO_ANSWER);
    await clock.advance(1);
    expect(queued.answer).toMatchObject({ away: 'circuit_open' });
    expect(await admit(A)).toMatchObject({ away: 'circuit_open' });
    expect(gates.notClosed).toBe(1);
    await permit(B);
    await clock.advance(1_000);
    const probe = await permit(A);
    expect(await admit(A)).toMatchObject({ away: 'circuit_open' });
    end(probe, ANSWERED);
    expect(gates.notClosed).toBe(0);
    await permit(A);
  });

  it('give an endpoint that does not answer fewer places', async () => {
    for (let i = 0; i < 4; i++) {
      await attempt(A, NO_ANSWER);
      await clock.advance(10);
    }
    expect(gates.stateOf(A)).toMatchObject({ limit: 1 });
  });

  it('ST-03 stay away for as long as an endpoint asks', async () => {
    await attempt(A, { kind: 'refused', retryAfterMs: 90_000 });
    expect(await admit(A)).toMatchObject({ away: 'circuit_open', waitMs: expect.any(Number) });
    await clock.advance(89_000);
    expect(await admit(A)).toMatchObject({ away: 'circuit_open' });
    await clock.advance(1_000);
    await permit(A);
  });

  it('keep to the rate that a webhook asks for, with at most a second of it waiting here', async () => {
    gates = new Gates(clock, { ...OPTIONS, max: 10 });
    const asked = Array.from({ length: 12 }, () => ask(A, 3));
    await clock.advance(1);
    const left = (): number =>
      asked.filter(({ answer }) => {
        if (answer === undefined || 'away' in answer) return false;
        end(answer, ANSWERED);
        return true;
      }).length;
    expect(left()).toBe(1);
    expect(asked.filter(({ answer }) => answer !== undefined && 'away' in answer)).toHaveLength(8);
    expect(asked[11]?.answer).toMatchObject({ away: 'rate_limited' });
    await clock.advance(1_010);
    expect(left()).toBe(4);
  });

  it('send a backlog away for longer the longer it is, so that it does not come back all at once', async () => {
    for (let i = 0; i < 10; i++) await attempt(A, NO_ANSWER);
    let last = 0;
    for (let i = 0; i < 10_000; i++) {
      const answer = await admit(A);
      if ('away' in answer) last = answer.waitMs;
    }
    expect(last).toBeGreaterThan(20_000);
  });

  it('let somebody probe after attempts that were not stored when the first one might have', async () => {
    for (let i = 0; i < 8; i++) await attempt(A, NO_ANSWER);
    const last = [await permit(A)];
    last[0]?.done(NO_ANSWER);
    last.push(await permit(A));
    last[1]?.done(NO_ANSWER);
    await clock.advance(1_000);
    expect(await admit(A)).toMatchObject({ away: 'over_cap' });
    for (const each of last) each.settled();
    expect(await admit(A)).toHaveProperty('done');
  });

  it('let somebody probe an endpoint whose rate has longer pauses than its circuit', async () => {
    gates = new Gates(clock, OPTIONS);
    for (let i = 0; i < 10; i++) {
      const admission = await admit(A, false, 0.5);
      if ('away' in admission) throw new Error('sent away');
      end(admission, NO_ANSWER);
      if (i < 9) await clock.advance(2_000);
    }
    await clock.advance(1_000);
    expect(await admit(A, false, 0.5)).toMatchObject({ away: 'rate_limited', waitMs: expect.any(Number) });
    await clock.advance(1_000);
    expect(await admit(A, true, 0.5)).toHaveProperty('done');
  });

  it('begin anew also where only others know that it asked to be left alone', () => {
    const told: [string, string][] = [];
    const kept: Circuits = { find: () => null, changed: (id, { kind }) => told.push([id, kind]) };
    gates = new Gates(clock, OPTIONS, kept);
    gates.forget(A);
    expect(told).toEqual([[A, 'closed']]);
  });

  it('are forgotten with their circuits when nobody asks any more', async () => {
    for (let i = 0; i < 10; i++) await attempt(A, NO_ANSWER);
    expect([gates.size, gates.notClosed]).toEqual([1, 1]);
    await clock.advance(200_000);
    expect([gates.size, gates.notClosed]).toEqual([0, 0]);
  });

  it('begin anew with an endpoint that its owner has mended', async () => {
    for (let i = 0; i < 10; i++) await attempt(A, NO_ANSWER);
    expect(await admit(A)).toMatchObject({ away: 'circuit_open' });
    gates.forget(A);
    await permit(A);
  });

  it('know from others what is to be left alone, and tell them', async () => {
    const told: string[] = [];
    const circuits: Circuits = {
      find: (id) =>
        id === B ? { kind: 'open', reason: 'retry_after', since: 0, until: clock.now() + 5_000, forMs: 5_000 } : null,
      changed: (id, circuit) => void told.push(`${id} ${circuit.kind}`),
    };
    gates = new Gates(clock, OPTIONS, circuits);
    expect(await admit(B)).toMatchObject({ away: 'circuit_open' });
    await clock.advance(5_000);
    await attempt(B, ANSWERED);
    for (let i = 0; i < 10; i++) await attempt(A, NO_ANSWER);
    expect(told).toEqual([`${B} closed`, `${A} open`]);
  });
});
