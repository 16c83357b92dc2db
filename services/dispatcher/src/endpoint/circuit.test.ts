import { describe, expect, it } from 'vitest';
import {
  afterAnswer,
  afterNoAnswer,
  afterNothing,
  afterRefusal,
  type Circuit,
  CLOSED,
  passage,
  probing,
} from './circuit.ts';

const failed = (circuit: Circuit, times: number, now = 1_000): Circuit =>
  times === 0 ? circuit : failed(afterNoAnswer(circuit, false, now, 1), times - 1, now);

describe('a circuit', () => {
  it('opens for a second after ten attempts in a row without an answer', () => {
    expect(passage(failed(CLOSED, 9), 1_000)).toBe('free');
    const open = failed(CLOSED, 10);
    expect(open).toMatchObject({ kind: 'open', reason: 'no_answer', until: 2_000 });
    expect(passage(open, 1_400)).toEqual({ waitMs: 600 });
    expect(passage(open, 2_000)).toBe('probe');
  });

  it('begins the count anew with any answer', () => {
    expect(passage(failed(afterAnswer(failed(CLOSED, 9)), 9), 1_000)).toBe('free');
  });

  it('lets one attempt find out, and closes when somebody is there', () => {
    const half = probing(failed(CLOSED, 10));
    expect(half.kind).toBe('half_open');
    expect(passage(half, 5_000)).toEqual({ waitMs: 0 });
    expect(afterAnswer(half)).toBe(CLOSED);
  });

  it('opens for twice as long after every probe that nobody answers, up to a quarter of a minute', () => {
    let circuit = failed(CLOSED, 10, 0);
    const lasted: number[] = [];
    for (let now = 1_000; lasted.length < 6; ) {
      circuit = afterNoAnswer(probing(circuit), true, now, 1);
      if (circuit.kind !== 'open') throw new Error('it should be open');
      lasted.push(circuit.forMs);
      now = circuit.until;
    }
    expect(lasted).toEqual([2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
  });

  it('learns nothing from attempts that began before it opened', () => {
    const half = probing(failed(CLOSED, 10, 1_000));
    expect(afterNoAnswer(half, false, 2_500, 1)).toBe(half);
    // What the probe found counts whatever the clock says.
    expect(afterNoAnswer(half, true, 900, 1)).toMatchObject({ kind: 'open' });
    const open = failed(CLOSED, 10, 1_000);
    expect(afterNoAnswer(open, false, 1_500, 1)).toBe(open);
  });

  it('ST-03 stays open for as long as the endpoint asks, whatever else it answers meanwhile', () => {
    const asked = afterRefusal(CLOSED, 1_000, 60_000);
    expect(passage(asked, 1_000)).toEqual({ waitMs: 60_000 });
    expect(afterAnswer(asked)).toBe(asked);
    expect(afterRefusal(asked, 2_000, 5_000)).toBe(asked);
    expect(passage(afterRefusal(asked, 2_000, 90_000), 2_000)).toEqual({ waitMs: 90_000 });
    expect(afterRefusal(failed(CLOSED, 5), 1_000, 0)).toBe(CLOSED);
  });

  it('lets another probe through when one was not made', () => {
    const half = probing(failed(CLOSED, 10));
    expect(passage(afterNothing(half, 3_000), 3_000)).toBe('probe');
  });
});
