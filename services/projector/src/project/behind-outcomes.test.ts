import { FakeClock } from '@grapnel/testkit/fake-clock';
import { beforeEach, describe, expect, it } from 'vitest';
import { delivered, delivery } from '../testing/facts.ts';
import { BehindOutcomes } from './behind-outcomes.ts';
import { changesOfDeliveries, changesOfOutcomes } from './changes.ts';
import { WrittenLately } from './written-lately.ts';

const STORED_AT = 1_700_000_000_000;
const made = Array.from({ length: 20 }, (_, n) => delivery(n));

describe('deliveries behind their outcomes', () => {
  let clock: FakeClock;
  let outcomes: { reached: number; idleMs: number };
  let lately: WrittenLately;
  let stop: AbortController;
  beforeEach(() => {
    clock = new FakeClock();
    outcomes = { reached: STORED_AT, idleMs: 0 };
    lately = new WrittenLately();
    stop = new AbortController();
  });

  /** Projects outcomes of the first so many. */
  function project(count: number): void {
    const sequenced = made.slice(0, count).map((to, sequence) => ({ sequence, outcome: delivered(to) }));
    lately.remember(changesOfOutcomes(sequenced).deliveries);
  }

  /** How many are left to write as pending; `null` while it waits. */
  function begin(): () => Promise<number | null> {
    let left: number | null = null;
    const wait = async (): Promise<void> => {
      const behind = new BehindOutcomes(clock, outcomes, lately);
      const message = { ...NEWEST, storedAt: STORED_AT };
      left = (await behind.remaining(changesOfDeliveries(made), message, stop.signal)).deliveries.length;
    };
    void wait();
    return async () => {
      await clock.advance(100);
      return left;
    };
  }

  it('wait for their outcomes, and are not written when these are', async () => {
    const left = begin();
    expect(await left()).toBeNull();
    project(10);
    expect(await left()).toBeNull();
    project(20);
    expect(await left()).toBe(0);
  });

  it('do not wait for the last few', async () => {
    project(18);
    expect(await begin()()).toBe(2);
  });

  it('do not wait when no outcome comes any more', async () => {
    const left = begin();
    expect(await left()).toBeNull();
    outcomes.idleMs = 500;
    expect(await left()).toBe(20);
  });

  it('do not wait longer than three seconds of the stream', async () => {
    project(10);
    const left = begin();
    outcomes.reached = STORED_AT + 2_999;
    expect(await left()).toBeNull();
    outcomes.reached = STORED_AT + 3_000;
    expect(await left()).toBe(10);
  });

  it('do not wait when the service stops', async () => {
    const left = begin();
    expect(await left()).toBeNull();
    stop.abort();
    expect(await left()).toBe(20);
  });
});

const NEWEST = {
  stream: 'DELIVERIES',
  subject: 'deliveries',
  sequence: 20,
  body: new Uint8Array(),
  header: () => undefined,
};
