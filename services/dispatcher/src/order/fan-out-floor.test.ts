import { FakeClock } from '@grapnel/testkit/fake-clock';
import { beforeEach, describe, expect, it } from 'vitest';
import { FanOutFloor } from './fan-out-floor.ts';

describe('how far fan-out has come', () => {
  let clock: FakeClock;
  let consumer: { ackFloor: number; pending: number; ackPending: number };
  let looks: number;
  let floor: FanOutFloor;
  beforeEach(() => {
    clock = new FakeClock();
    consumer = { ackFloor: 5, pending: 3, ackPending: 2 };
    looks = 0;
    floor = new FanOutFloor(async () => {
      looks++;
      return { ...consumer };
    }, clock);
  });

  it('is the consumer’s floor, which many ask for with one look', async () => {
    expect(await Promise.all([floor.reached(4), floor.reached(5), floor.reached(1)])).toEqual([5, 5, 5]);
    expect(looks).toBe(1);
    expect(await floor.reached(5)).toBe(5);
    expect(looks).toBe(1);
  });

  it('is waited for', async () => {
    const asked = floor.reached(7);
    await clock.advance(15);
    consumer.ackFloor = 9;
    await clock.advance(15);
    expect(await asked).toBe(9);
  });

  it('is at the end when nothing is left to do, though the last messages are gone', async () => {
    consumer = { ackFloor: 5, pending: 0, ackPending: 0 };
    expect(await floor.reached(8)).toBe(8);
  });

  it('is given up when it does not move', async () => {
    const asked = floor.reached(7);
    await clock.advance(3_000);
    expect(await asked).toBeNull();
  });
});
