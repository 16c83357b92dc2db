import type { ReplayId, TenantId, WebhookId } from '../ids.ts';
import { err, ok, type Result, unreachable } from '../result.ts';
import type { Violation } from '../violation.ts';
import { checkFilter, type FilterInput, rateViolation } from './check-filter.ts';
import { isUnderWay, type Replay, type ReplayCounts, type ReplayEvent, type ReplayPage } from './replay.ts';

/** A runner that was not heard of for so long has lost its replay to whoever asks next. */
export const LEASE_MS = 30_000;

/** What a tenant, or the process that works on a replay, can ask of it. */
export type ReplayCommand =
  | {
      readonly type: 'request';
      readonly at: number;
      readonly id: ReplayId;
      readonly tenant: TenantId;
      readonly webhookId: WebhookId;
      readonly filter: FilterInput;
      readonly ratePerSecond: number;
      /** Found by looking at the world, e.g. which types there are. */
      readonly violations?: readonly Violation[];
    }
  | { readonly type: 'cancel'; readonly at: number }
  | { readonly type: 'claim'; readonly at: number; readonly runner: string }
  | { readonly type: 'renew'; readonly at: number; readonly runner: string }
  /** `page`: `null` when there is no other. */
  | {
      readonly type: 'advance';
      readonly at: number;
      readonly runner: string;
      readonly done: ReplayCounts;
      readonly page: ReplayPage | null;
    }
  | { readonly type: 'release'; readonly at: number; readonly runner: string }
  | { readonly type: 'fail'; readonly at: number; readonly runner: string; readonly detail: string };

export type ReplayRejection =
  | { readonly kind: 'not_found' }
  | { readonly kind: 'invalid'; readonly violations: readonly Violation[] }
  /** It has come to its end. */
  | { readonly kind: 'ended' }
  /** Somebody else works on it. */
  | { readonly kind: 'taken' };

/** What happens when `command` meets `replay`: an event, `null` when nothing changes, or why it is refused. */
export function decide(replay: Replay | null, command: ReplayCommand): Result<ReplayEvent | null, ReplayRejection> {
  if (command.type === 'request') return request(command);
  if (replay === null) return err({ kind: 'not_found' });
  switch (command.type) {
    case 'cancel':
      if (replay.status.kind === 'cancelled') return ok(null);
      return isUnderWay(replay) ? ok({ type: 'cancelled', at: command.at }) : err({ kind: 'ended' });
    case 'claim':
      if (!isUnderWay(replay)) return err({ kind: 'ended' });
      if (!isFree(replay, command.at)) return err({ kind: 'taken' });
      return ok({ type: 'claimed', at: command.at, runner: command.runner });
    case 'advance':
      return advance(replay, command);
    case 'renew':
      return whileHeld(replay, command.runner, { type: 'renewed', at: command.at, runner: command.runner });
    case 'release':
      return whileHeld(replay, command.runner, { type: 'released', at: command.at });
    case 'fail':
      return whileHeld(replay, command.runner, { type: 'failed', at: command.at, detail: command.detail });
    default:
      return unreachable(command);
  }
}

/** Whether nobody works on a replay, or nobody who was heard of lately. */
export function isFree({ status }: Replay, now: number): boolean {
  if (status.kind === 'requested') return true;
  return status.kind === 'running' && (status.lease === null || now - status.lease.at >= LEASE_MS);
}

function request(command: ReplayCommand & { readonly type: 'request' }): Result<ReplayEvent, ReplayRejection> {
  const { at, id, tenant, webhookId, ratePerSecond } = command;
  const filter = checkFilter(command.filter, at);
  const rate = rateViolation(ratePerSecond);
  const violations = [
    ...(filter.ok ? [] : filter.error),
    ...(rate === null ? [] : [rate]),
    ...(command.violations ?? []),
  ];
  if (!filter.ok || violations.length > 0) return err({ kind: 'invalid', violations });
  return ok({ type: 'requested', at, id, tenant, webhookId, filter: filter.value, ratePerSecond });
}

function advance(
  replay: Replay,
  { at, runner, done, page }: ReplayCommand & { readonly type: 'advance' },
): Result<ReplayEvent | null, ReplayRejection> {
  // Asked again, since nobody heard that it was stored: its count must not be added again.
  if (page !== null && replay.status.kind === 'running' && isSamePage(replay.page, page)) return ok(null);
  // The page went out before the cancellation was seen: what it did is still counted, once.
  if (replay.status.kind === 'cancelled' && replay.page !== null) return ok({ type: 'settled', at, done });
  return whileHeld(
    replay,
    runner,
    page === null ? { type: 'finished', at, done } : { type: 'advanced', at, runner, done, page },
  );
}

/** Each page begins where the one before ends, so that the next one's beginning names it. */
function isSamePage(page: ReplayPage | null, other: ReplayPage): boolean {
  if (page === null || page.next !== other.next || page.position !== other.position) return false;
  const [one, two] = [page.deliveries, other.deliveries];
  return one.length === two.length && one.every(({ id }, n) => id === two[n]?.id);
}

function whileHeld(replay: Replay, runner: string, event: ReplayEvent): Result<ReplayEvent, ReplayRejection> {
  if (replay.status.kind !== 'running') return err({ kind: 'ended' });
  return replay.status.lease?.runner === runner ? ok(event) : err({ kind: 'taken' });
}
