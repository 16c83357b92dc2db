import type { WebhookId } from '@grapnel/domain/ids';
import { FakeClock } from '@grapnel/testkit/fake-clock';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Admission, Gates, type Permit } from './gates.ts';

const A: WebhookId = 'wh_a';
const B: WebhookId = 'wh_b';
const OPTIONS = { maxInFlight: 2, slowAfterMs: 100, hangsAfterMs: 2_000, slowQueue: 3 };

describe('gates in front of endpoints', () => {
  let clock: FakeClock;
  let gates: Gates;
  beforeEach(() => {
    clock = new FakeClock();
    gates = new Gates(clock, OPTIONS);
  });

  const permit = async (id: WebhookId): Promise<Permit> => {
    const admission = await gates.admit(id);
    if ('overflow' in admission) throw new Error('sent away');
    return admission;
  };
  /** Asks and remembers the answer, without waiting for it. */
  const ask = (id: WebhookId): { answer?: Admission } => {
    const asked: { answer?: Admission } = {};
    void (async () => {
      asked.answer = await gates.admit(id);
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
    first.done();
    await clock.advance(1);
    expect(third.answer).toHaveProperty('done');
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
    one.done();
    one.done();
    expect(gates.underWay).toBe(1);
  });

  it('send away what would queue behind an endpoint that hangs, with a wait that fits the backlog', async () => {
    await permit(A);
    await permit(A);
    const queued = ask(A);
    await clock.advance(2_500);
    // The sweep has emptied the queue, and new ones are sent away at once.
    expect(queued.answer).toMatchObject({ overflow: true });
    expect(await gates.admit(A)).toMatchObject({ overflow: true, waitMs: expect.any(Number) });
    expect(gates.queued).toBe(0);
    await permit(B);
  });

  it('send away what comes after the short queue of a slow endpoint, each for longer than the one before, and less when some are back', async () => {
    const first = await permit(A);
    await permit(A);
    await clock.advance(1_500);
    first.done();
    await permit(A);
    for (let i = 0; i < OPTIONS.slowQueue; i++) ask(A);
    const waits: number[] = [];
    for (let i = 0; i < 5; i++) {
      const answer = await gates.admit(A);
      waits.push('overflow' in answer ? answer.waitMs : 0);
    }
    expect(waits).toEqual(waits.toSorted((a, b) => a - b));
    expect(new Set(waits).size).toBe(5);
    expect(await gates.admit(A, true)).toMatchObject({ overflow: true, waitMs: waits[4] });
  });

  it('call nobody slow when all are slow alike', async () => {
    for (let i = 0; i < 200; i++) {
      const [a, b] = [await permit(A), await permit(B)];
      await clock.advance(400);
      a.done();
      b.done();
    }
    expect([gates.isSlow(A), gates.isSlow(B)]).toEqual([false, false]);
    await permit(A);
    await permit(A);
    const queued = Array.from({ length: 20 }, () => ask(A));
    await clock.advance(300);
    expect(queued.every(({ answer }) => answer === undefined)).toBe(true);
  });

  it('send everything that queues away at a stop', async () => {
    await permit(A);
    await permit(A);
    const queued = ask(A);
    gates[Symbol.dispose]();
    await clock.advance(1);
    expect(queued.answer).toMatchObject({ overflow: true });
    expect(gates.queued).toBe(0);
  });
});
