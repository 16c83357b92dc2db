import { describe, expect, it } from 'vitest';
import { anycrawl } from './profiles/anycrawl.ts';
import { firecrawl } from './profiles/firecrawl.ts';
import { groupgm } from './profiles/groupgm.ts';
import { standard } from './profiles/standard.ts';
import { template } from './profiles/template.ts';
import {
  exponentialBackoffMs,
  LANES,
  laneFor,
  leavesLaneAt,
  MAX_BACKOFF_MS,
  postponedMs,
  retryDelayMs,
  spreadMs,
  spreadsRetries,
} from './retry.ts';

const MINUTE = 60_000;

describe('when to try again', () => {
  it('AC-17 after 1, 2 and 4 minutes by default', () => {
    expect([1, 2, 3].map((n) => exponentialBackoffMs(2, n))).toEqual([MINUTE, 2 * MINUTE, 4 * MINUTE]);
  });

  it('AC-17 by any multiplier, fractional ones included, and never later than a day', () => {
    expect(exponentialBackoffMs(1, 10)).toBe(MINUTE);
    expect(exponentialBackoffMs(1.5, 3)).toBe(2.25 * MINUTE);
    expect(exponentialBackoffMs(10, 10)).toBe(MAX_BACKOFF_MS);
  });

  it('AC-17 by a schedule of the webhook’s own, which goes on with its last delay', () => {
    const policy = { maxRetries: 4, backoffMultiplier: 2, retryDelaysSeconds: [5, 90] };
    expect([1, 2, 3, 4, 5].map((n) => retryDelayMs(policy, n))).toEqual([5_000, 90_000, 90_000, 90_000, null]);
    expect(retryDelayMs({ ...policy, maxRetries: 0 }, 1)).toBeNull();
  });

  describe('spread where nothing fixes the schedule', () => {
    const seeds = Array.from({ length: 1_000 }, (_, n) => `dlv_${n}:0:1`);

    it('by up to a fifth, evenly, and always the same for one turn', () => {
      const delays = seeds.map((seed) => spreadMs(MINUTE, seed));
      expect(Math.min(...delays)).toBeGreaterThanOrEqual(0.8 * MINUTE);
      expect(Math.max(...delays)).toBeLessThanOrEqual(1.2 * MINUTE);
      const fifths = [0.8, 0.88, 0.96, 1.04, 1.12].map(
        (from) => delays.filter((ms) => ms >= from * MINUTE && ms < (from + 0.08) * MINUTE).length,
      );
      for (const count of fifths) expect(count).toBeGreaterThan(140);
      expect(seeds.map((seed) => spreadMs(MINUTE, seed))).toEqual(delays);
      expect(spreadMs(MINUTE, 'dlv_1:0:1')).not.toBe(spreadMs(MINUTE, 'dlv_1:0:2'));
      expect(spreadMs(0, 'x')).toBe(0);
    });

    it('and never beyond a day', () => {
      expect(Math.max(...seeds.map((seed) => spreadMs(MAX_BACKOFF_MS, seed)))).toBe(MAX_BACKOFF_MS);
    });

    it('AC-17 FC-08 GG-05 TH-10 but not where the profile or the webhook says the delays', () => {
      const policyOf = ({ defaults }: typeof standard) => ({ ...defaults, backoffMultiplier: 2 });
      const spread = [anycrawl, firecrawl, groupgm, template, standard].map((profile) =>
        spreadsRetries(profile, policyOf(profile)),
      );
      expect(spread).toEqual([false, false, false, true, true]);
      for (const profile of [template, standard]) {
        expect(spreadsRetries(profile, { ...policyOf(profile), retryDelaysSeconds: [5] })).toBe(false);
      }
    });
  });

  it('ST-03 postponed by seconds or a date, on 429 and 503 alone, for a day at most', () => {
    const now = Date.UTC(2026, 0, 1);
    expect(postponedMs(429, '120', now)).toBe(120_000);
    expect(postponedMs(503, ' 120 ', now)).toBe(120_000);
    expect(postponedMs(503, 'Thu, 01 Jan 2026 00:02:00 GMT', now)).toBe(120_000);
    for (const status of [200, 410, 500, 502]) expect(postponedMs(status, '120', now), `${status}`).toBe(0);
    expect(postponedMs(429, undefined, now)).toBe(0);
    for (const past of [
      '0',
      '-5',
      'Wed, 31 Dec 2025 23:59:00 GMT',
      'soon',
      '',
      '1e9',
      'Infinity',
      'retry 2099',
      'in 2027',
    ]) {
      expect(postponedMs(429, past, now), `after "${past}"`).toBe(0);
    }
    for (const late of ['99999999999999999999', 'Fri, 01 Jan 2100 00:00:00 GMT']) {
      expect(postponedMs(429, late, now), `after "${late}"`).toBe(MAX_BACKOFF_MS);
    }
  });

  it('reaches any delay by greedy hops, overshooting by less than the shortest lane', () => {
    for (const wait of [1, 999, 10_000, 135_000, 3 * 3_600_000 + 17_500, MAX_BACKOFF_MS]) {
      expect(hopsOf(wait).left).toBeGreaterThan(-1_000);
      expect(hopsOf(wait).hops).toBeLessThan(20);
    }
  });

  it('overshoots a lane by no more than half a second, so that what took a moment to store needs no more hops for it', () => {
    expect(laneFor(59_990, 1).name).toBe('1m');
    expect(laneFor(59_500, 1).name).toBe('1m');
    expect(laneFor(59_499, 1).name).toBe('30s');
    expect(hopsOf(899_980)).toEqual({ hops: 1, left: -20 });
  });

  it('takes few hops for a wait that was spread', () => {
    const minute = Array.from({ length: 60 }, (_, second) => hopsOf(second * 1_000).hops);
    expect(Math.max(...minute)).toBe(6);
    expect(minute.reduce((sum, hops) => sum + hops, 0) / 60).toBeLessThan(3.5);
  });

  it('scales lanes with time', () => {
    expect(laneFor(1_000, 60).name).toBe('1m');
    expect(laneFor(1_000, 1).name).toBe('1s');
    expect(laneFor(992, 60).name).toBe('1m');
    expect(laneFor(991, 60).name).toBe('30s');
  });

  it('leaves a lane when it is due, at the lane’s end if that is later, and never the moment it came', () => {
    const minute = laneFor(60_000, 1);
    expect(leavesLaneAt(minute, 1_000, 60_600, 1)).toBe(60_600);
    expect(leavesLaneAt(minute, 1_000, 400_000, 1)).toBe(61_000);
    expect(leavesLaneAt(minute, 41_000, 60_600, 1)).toBe(60_600);
    expect(leavesLaneAt(minute, 90_000, 60_600, 1)).toBe(90_500);
    expect(leavesLaneAt(minute, 90_000, 60_600, 10)).toBe(90_050);
  });

  it('lists lanes longest first, as the search needs them', () => {
    const delays = LANES.map(({ delayMs }) => delayMs);
    expect(delays).toEqual(delays.toSorted((a, b) => b - a));
  });
});

function hopsOf(wait: number): { hops: number; left: number } {
  let left = wait;
  let hops = 0;
  for (; left > 0; hops++) left -= laneFor(left, 1).delayMs;
  return { hops, left };
}
