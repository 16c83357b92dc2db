import type { StoredDelivery } from '@grapnel/domain/delivery/delivery';
import type { Attempt, Outcome } from '@grapnel/domain/delivery/outcome';
import type { DeliveryId } from '@grapnel/domain/ids';
import { beforeEach, describe, expect, it } from 'vitest';
import { Ledger } from './ledger.ts';

const ATTEMPT = {} as Attempt;

const delivery = (sequence: number, more: Partial<StoredDelivery> = {}): StoredDelivery => ({
  id: `dlv_${sequence}`,
  tenant: 'acme',
  webhookId: 'wh_00000000000000000000000001',
  eventId: `e${sequence}`,
  eventType: 'crawl.page',
  jobId: 'job',
  taskId: null,
  eventTime: 1,
  createdAt: 1,
  test: false,
  bodyBytes: 2,
  webhookRevision: 1,
  sequence,
  place: sequence,
  ...more,
});
const turn = { round: 0, attempt: 1 };
const delivered = (of: StoredDelivery): Outcome => ({ kind: 'delivered', delivery: of, turn, attempt: ATTEMPT });
const failed = (of: StoredDelivery, nextAttemptAt: number | null): Outcome => ({
  kind: 'attempt_failed',
  delivery: of,
  turn,
  attempt: ATTEMPT,
  nextAttemptAt,
});

describe('the ledger of a strict webhook', () => {
  let ledger: Ledger;
  beforeEach(() => {
    ledger = new Ledger(0, 4);
  });
  const add = (...all: StoredDelivery[]): void => {
    for (const each of all) ledger.add(each.sequence, each, each.sequence, false);
  };
  const line = (): DeliveryId[] => ledger.line.map(({ id }) => id);

  it('orders deliveries of a key by their events, in whatever order they were stored', () => {
    const [late, early] = [delivery(1, { place: 9 }), delivery(2, { place: 8 })];
    add(late, early);
    expect(ledger.headOf('job:job')?.id).toBe(early.id);
    expect(ledger.hear(delivered(early))?.id).toBe(late.id);
    expect(ledger.hear(delivered(late))).toBeNull();
    expect([ledger.size, ledger.ended()]).toEqual([0, 2]);
  });

  it('keeps keys apart: jobs, tasks, and events with neither', () => {
    add(delivery(1), delivery(2, { jobId: null, taskId: 'job' }), delivery(3, { jobId: null }), delivery(4));
    expect([...ledger.heads()].map(({ id }) => id)).toEqual(['dlv_1', 'dlv_2', 'dlv_3']);
    expect(ledger.hear(delivered(delivery(2)))).toBeNull();
    expect(ledger.hear(delivered(delivery(1)))?.id).toBe('dlv_4');
  });

  it('is at the end of a delivery when it failed for good, was skipped or is replayed, not while it is tried again', () => {
    const one = delivery(1);
    for (const end of [
      failed(one, null),
      { kind: 'skipped', delivery: one, turn, reason: 'too_old', at: 1 } as const,
      { kind: 'replay_requested', delivery: one, round: 7, at: 1 } as const,
    ]) {
      ledger = new Ledger(0, 4);
      add(one, delivery(2));
      expect(ledger.hear(failed(one, 50))).toBeNull();
      expect(ledger.headOf('job:job')).toMatchObject({ id: one.id, retryAt: 50 });
      expect(ledger.isOver(one)).toBe(false);
      expect(ledger.hear(end)?.id).toBe('dlv_2');
      expect(ledger.isOver(one)).toBe(true);
    }
  });

  it('FC-09 knows whether everything before a delivery has been tried', () => {
    add(delivery(1), delivery(2), delivery(3), delivery(4, { jobId: 'other' }));
    const allTried = (): boolean => ledger.allTriedBefore(delivery(3));
    expect(allTried()).toBe(false);
    ledger.hear(failed(delivery(1), 50));
    expect(allTried()).toBe(false);
    ledger.hear(delivered(delivery(2)));
    expect(allTried()).toBe(true);
    expect(ledger.allTriedBefore(delivery(9))).toBe(false);
  });

  it('hears of an end before it reads of the delivery', () => {
    ledger.hear(delivered(delivery(1)));
    expect(ledger.isOver(delivery(1))).toBe(true);
    add(delivery(1), delivery(2));
    expect(line()).toEqual(['dlv_2']);
    expect([ledger.early, ledger.ended()]).toEqual([0, 1]);
  });

  it('FC-09 hears of an attempt before it reads of the delivery', () => {
    ledger.hear(failed(delivery(1), 50));
    add(delivery(1), delivery(2));
    expect(ledger.find(delivery(1).id)?.retryAt).toBe(50);
    expect(ledger.allTriedBefore(delivery(2))).toBe(true);
  });

  it('passes over what has no place: tests, and what was made while there was no order', () => {
    const { place: _, ...unordered } = delivery(1);
    add(unordered);
    ledger.add(2, null, 2, false);
    expect([ledger.size, ledger.read, ledger.ended()]).toEqual([0, 2, 2]);
    expect(ledger.isOver(delivery(3))).toBe(false);
  });

  it('takes a delivery that was stored twice for one', () => {
    add(delivery(1), { ...delivery(1), sequence: 2 });
    expect(line()).toEqual(['dlv_1']);
  });

  describe('with more than it may hold', () => {
    beforeEach(() => add(...[1, 2, 3, 4, 5, 6].map((n) => delivery(n, { jobId: `job-${n % 2}` }))));

    it('keeps those that come first', () => {
      expect(line()).toEqual(['dlv_1', 'dlv_2', 'dlv_3', 'dlv_4']);
      expect(ledger.leftOut).toBe(true);
      add(delivery(7, { place: 2.5 }));
      expect(line()).toEqual(['dlv_1', 'dlv_2', 'dlv_7', 'dlv_3', 'dlv_4']);
    });

    it('takes nothing that comes behind what was left out, though there is room again', () => {
      ledger.hear(delivered(delivery(1)));
      ledger.hear(delivered(delivery(2)));
      add(delivery(7));
      expect(line()).toEqual(['dlv_3', 'dlv_4']);
      expect(ledger.ended()).toBe(2);
    });

    it('takes what was left out when it goes back, and not what has ended meanwhile', () => {
      add(delivery(7, { place: 2.5 }));
      for (const n of [1, 2, 7, 3]) ledger.hear(delivered(delivery(n)));
      expect(ledger.isOver(delivery(7))).toBe(true);
      ledger.goBack();
      expect(ledger.read).toBe(4);
      ledger.hear(delivered(delivery(6)));
      add(...[5, 6, 7].map((n) => delivery(n)));
      expect(line()).toEqual(['dlv_4', 'dlv_5']);
      expect([ledger.leftOut, ledger.early, ledger.ended()]).toEqual([false, 0, 3]);
    });
  });
});
