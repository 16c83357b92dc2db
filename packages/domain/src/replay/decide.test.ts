import { describe, expect, it } from 'vitest';
import { decide, LEASE_MS, type ReplayCommand } from './decide.ts';
import { evolve } from './evolve.ts';
import { NOTHING_COUNTED, type Replay, type ReplayPage } from './replay.ts';

const REQUEST = {
  type: 'request',
  at: 1_000,
  id: 'rpl_00000000000000000000000001',
  tenant: 'acme',
  webhookId: 'wh_00000000000000000000000001',
  filter: { statuses: [], from: null, to: null, eventTypes: [] },
  ratePerSecond: 200,
} as const satisfies ReplayCommand;
const PAGE: ReplayPage = { deliveries: [{ id: 'dlv_1', sequence: 7 }], skipped: 0, next: 'more', position: 900 };
const ONE = { found: 1, queued: 1, skipped: 0, failed: 0 };

function after(...commands: readonly ReplayCommand[]): Replay {
  const replay = commands.reduce<Replay | null>((state, command) => {
    const decided = decide(state, command);
    if (!decided.ok) throw new Error(`${command.type} was refused: ${decided.error.kind}`);
    return decided.value === null ? state : evolve(state, decided.value);
  }, null);
  if (replay === null) throw new Error('nothing was requested');
  return replay;
}

const refusalOf = (replay: Replay | null, command: ReplayCommand) => {
  const decided = decide(replay, command);
  return decided.ok ? null : decided.error;
};
const violationsOf = (filter: object, ratePerSecond = 200) => {
  const refused = refusalOf(null, { ...REQUEST, filter: { ...REQUEST.filter, ...filter }, ratePerSecond });
  return refused?.kind === 'invalid' ? refused.violations.map(({ field }) => field) : [];
};
const claim = (runner: string, at: number) => ({ type: 'claim', runner, at }) as const;
const advance = (runner: string, at: number, page: ReplayPage | null, done = NOTHING_COUNTED) =>
  ({ type: 'advance', runner, at, done, page }) as const;

describe('AC-13 a bulk replay', () => {
  it('AC-13 replays what failed until now when nothing else is said', () => {
    const { filter, round, status } = after(REQUEST);
    expect(filter).toEqual({ statuses: ['failed'], from: null, to: 1_000, eventTypes: [] });
    expect({ round, status }).toEqual({ round: 1_000, status: { kind: 'requested' } });
  });

  it('AC-13 names everything that is wrong with a filter', () => {
    expect(violationsOf({ statuses: ['pending'] })).toEqual(['statuses']);
    expect(violationsOf({ from: 500, to: 400 })).toEqual(['from']);
    expect(violationsOf({ from: 2_000 })).toEqual(['from']);
    expect(violationsOf({ eventTypes: ['crawl.page', 'no spaces'] })).toEqual(['event_types[1]']);
    expect(violationsOf({ eventTypes: Array.from({ length: 51 }, (_, n) => `a.b${n}`) })).toEqual(['event_types']);
    expect(violationsOf({}, 1_001)).toEqual(['rate_per_second']);
    expect(violationsOf({ statuses: ['gone'] }, 0)).toEqual(['statuses', 'rate_per_second']);
  });

  it('AC-13 counts page by page and finishes', () => {
    const running = after(REQUEST, claim('a', 1_100), advance('a', 1_200, PAGE));
    expect(running).toMatchObject({ page: PAGE, counts: NOTHING_COUNTED, position: null });
    const last = { ...PAGE, next: null, position: 800 };
    const finished = after(
      ...[REQUEST, claim('a', 1_100), advance('a', 1_200, PAGE)],
      ...[advance('a', 1_300, last, ONE), advance('a', 1_400, null, ONE)],
    );
    expect(finished).toMatchObject({
      status: { kind: 'finished', at: 1_400 },
      counts: { found: 2, queued: 2 },
      page: null,
      position: 800,
    });
  });

  it('AC-13 counts a page once, though nobody heard that it was stored', () => {
    const next = { ...PAGE, next: 'after that', position: 800 };
    const counted = after(REQUEST, claim('a', 1_100), advance('a', 1_200, PAGE), advance('a', 1_300, next, ONE));
    expect(counted).toMatchObject({ counts: ONE, page: next });
    expect(decide(counted, advance('a', 1_400, next, ONE))).toEqual({ ok: true, value: null });
    expect(refusalOf(counted, advance('b', 1_400, { ...next, next: 'later' }, ONE))).toEqual({ kind: 'taken' });
  });

  it('AC-13 belongs to one runner until that one stops or is silent for too long', () => {
    const held = after(REQUEST, claim('a', 1_000), advance('a', 2_000, PAGE));
    expect(refusalOf(held, claim('b', 2_000 + LEASE_MS - 1))).toEqual({ kind: 'taken' });
    const renewed = evolve(held, { type: 'renewed', at: 9_000, runner: 'a' });
    expect(refusalOf(renewed, claim('b', 2_000 + LEASE_MS))).toEqual({ kind: 'taken' });
    const taken = evolve(held, { type: 'claimed', at: 2_000 + LEASE_MS, runner: 'b' });
    // The page that was under way stays: whoever goes on asks for the same deliveries.
    expect(taken.page).toEqual(PAGE);
    expect(refusalOf(taken, advance('a', 40_000, null, ONE))).toEqual({ kind: 'taken' });
    const released = after(REQUEST, claim('a', 1_000), { type: 'release', runner: 'a', at: 1_001 }, claim('b', 1_002));
    expect(released.status).toEqual({ kind: 'running', lease: { runner: 'b', at: 1_002 } });
  });

  it('AC-13 is cancelled once, and the page that was under way is still counted', () => {
    const cancel = { type: 'cancel', at: 1_300 } as const;
    const cancelled = after(REQUEST, claim('a', 1_100), advance('a', 1_200, PAGE), cancel, cancel);
    expect(cancelled.status).toEqual({ kind: 'cancelled', at: 1_300 });
    const settled = decide(cancelled, advance('a', 1_400, { ...PAGE, next: null }, ONE));
    expect(settled).toEqual({ ok: true, value: { type: 'settled', at: 1_400, done: ONE } });
    const counted = evolve(cancelled, { type: 'settled', at: 1_400, done: ONE });
    expect(counted).toMatchObject({ status: { kind: 'cancelled' }, counts: ONE, page: null });
    expect(refusalOf(counted, advance('a', 1_500, PAGE, ONE))).toEqual({ kind: 'ended' });
    expect(refusalOf(counted, claim('b', 90_000))).toEqual({ kind: 'ended' });
  });

  it('AC-13 cannot be cancelled after its end', () => {
    const failed = after(REQUEST, claim('a', 1_100), { type: 'fail', at: 1_200, runner: 'a', detail: 'why' });
    expect(failed.status).toEqual({ kind: 'failed', at: 1_200, detail: 'why' });
    expect(refusalOf(failed, { type: 'cancel', at: 1_300 })).toEqual({ kind: 'ended' });
    expect(refusalOf(null, { type: 'cancel', at: 1_300 })).toEqual({ kind: 'not_found' });
  });
});
