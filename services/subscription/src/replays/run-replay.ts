import { LEASE_MS } from '@grapnel/domain/replay/decide';
import { NOTHING_COUNTED, type Replay, type ReplayCounts, type ReplayPage } from '@grapnel/domain/replay/replay';
import { Code, RpcError } from '@grapnel/rpc/errors';
import { Backoff } from '@grapnel/runtime/backoff';
import { StoreUnavailable } from '@grapnel/stream/ports';
import type { Directory } from '../directory.ts';
import { commandReplay } from './command-replay.ts';
import type { Dispatchers, FoundDelivery, History } from './ports.ts';
import type { TurnContext } from './turn.ts';

export interface RunContext extends TurnContext {
  readonly directory: Directory;
  readonly history: History;
  readonly dispatchers: Dispatchers;
  /** This process, among all that may work on a replay. */
  readonly runner: string;
  /** Sendings of the webhook's partition that are queued and not yet made. */
  backlog(replay: Replay): Promise<number>;
}

/** About a second's work, so that a cancellation is seen soon and the lease stays young. */
const MAX_PAGE = 250;
/** What is queued cannot be cancelled, so no more than this is queued ahead. */
const MAX_BACKLOG = 500;
const BACKLOG_POLL_MS = 500;
const RENEW_AFTER_MS = LEASE_MS / 3;

/** The replay is not ours any more: ended, or taken by another process. */
class NotOurs extends Error {}

/**
 * Works on a replay until it ends or `signal` aborts. A page is written down before it is asked for; whoever finds one
 * written down asks for it (again), in the same round, so nothing is sent twice and nothing is left out.
 * Returns the replay when this call has brought it to its end.
 * @throws the signal's reason
 */
export async function runReplay(context: RunContext, claimed: Replay, signal: AbortSignal): Promise<Replay | null> {
  const run = new Run(context, claimed, signal);
  try {
    return await run.toTheEnd().catch((error: unknown) => {
      if (isRefusal(error)) return run.fail(NOTHING_COUNTED, error.message);
      throw error;
    });
  } catch (error) {
    if (error instanceof NotOurs) return null;
    throw error;
  }
}

/** A question that will be refused however often it is asked. */
const isRefusal = (error: unknown): error is RpcError =>
  error instanceof RpcError && error.code === Code.INVALID_ARGUMENT;

class Run {
  readonly #context: RunContext;
  readonly #signal: AbortSignal;
  #replay: Replay;
  /** When the sendings asked for so far are due by the rate, by the monotonic clock. */
  #pacedUntil: number;

  constructor(context: RunContext, claimed: Replay, signal: AbortSignal) {
    this.#context = context;
    this.#signal = signal;
    this.#replay = claimed;
    this.#pacedUntil = context.clock.monotonic();
  }

  async toTheEnd(): Promise<Replay | null> {
    let done = NOTHING_COUNTED;
    let next: string | null = null;
    const { page: found } = this.#replay;
    if (found !== null) {
      // Written down by whoever had it before: some of it may have been asked for, longer ago than the stream remembers ids.
      done = await this.#send(found, await this.#sentBefore(found.deliveries));
      next = found.next;
      if (next === null) return this.#advance(done, null);
    }
    for (;;) {
      const problem = this.#endpointProblem();
      if (problem !== null) return this.fail(done, problem);
      await this.#pace();
      const page = await this.#list(next);
      if (page.deliveries.length === 0 && page.skipped === 0 && page.next === null) return this.#advance(done, null);
      await this.#advance(done, page);
      done = await this.#send(page, new Set());
      next = page.next;
      if (next === null) return this.#advance(done, null);
    }
  }

  /** The next page; a page token that the history does not take ends the replay, everything else is tried again. */
  #list(token: string | null): Promise<ReplayPage> {
    const { tenant, webhookId, filter, ratePerSecond } = this.#replay;
    const size = Math.min(ratePerSecond, MAX_PAGE);
    return this.#stubbornly(async () => {
      const { history } = this.#context;
      const { deliveries, next } = await history.page({ tenant, webhookId, filter }, size, token, this.#signal);
      const wanted = deliveries.filter((one) => this.#isWanted(one));
      return {
        deliveries: wanted.map(({ id, sequence }) => ({ id, sequence })),
        skipped: deliveries.length - wanted.length,
        next,
        position: deliveries.at(-1)?.createdAt ?? null,
      };
    });
  }

  /** Tests are not for anybody's records, and a later replay is a newer wish than this one. */
  #isWanted({ test, round }: FoundDelivery): boolean {
    return !test && round < this.#replay.round;
  }

  async #sentBefore(deliveries: ReplayPage['deliveries']): Promise<Set<string>> {
    const { tenant, webhookId, round } = this.#replay;
    const sent = new Set<string>();
    for (const { id } of deliveries) {
      await this.#renew();
      const known = await this.#stubbornly(() =>
        this.#context.history.roundOf(tenant, webhookId, id, this.#signal).catch((error: unknown) => {
          if (error instanceof RpcError && error.code === Code.NOT_FOUND) return 0;
          throw error;
        }),
      );
      if (known >= round) sent.add(id);
    }
    return sent;
  }

  async #send(page: ReplayPage, sent: ReadonlySet<string>): Promise<ReplayCounts> {
    const counts = {
      found: page.deliveries.length + page.skipped,
      queued: sent.size,
      skipped: page.skipped,
      failed: 0,
    };
    const left = page.deliveries.filter(({ id }) => !sent.has(id));
    if (left.length === 0) return counts;
    await this.#roomAhead();
    const now = this.#context.clock.monotonic();
    this.#pacedUntil = Math.max(this.#pacedUntil, now) + (left.length / this.#replay.ratePerSecond) * 1_000;
    const results = await this.#stubbornly(() => this.#context.dispatchers.replay(this.#replay, left, this.#signal));
    for (const result of results) {
      if (result === 'queued') counts.queued++;
      else if (result === 'webhook_inactive') counts.skipped++;
      else counts.failed++;
    }
    return counts;
  }

  /** Waits until what was asked for so far is due by the rate. */
  async #pace(): Promise<void> {
    const waitMs = this.#pacedUntil - this.#context.clock.monotonic();
    if (waitMs > 0) await this.#context.clock.sleep(waitMs, this.#signal);
  }

  /** Waits until the dispatchers have made most of what was queued. */
  async #roomAhead(): Promise<void> {
    for (;;) {
      this.#checkOurs();
      if ((await this.#stubbornly(() => this.#context.backlog(this.#replay))) <= MAX_BACKLOG) return;
      await this.#context.clock.sleep(BACKLOG_POLL_MS, this.#signal);
      await this.#renew();
    }
  }

  /** Why the webhook can have nothing sent to it. */
  #endpointProblem(): string | null {
    const { tenant, webhookId } = this.#replay;
    const found = this.#context.directory.ofTenant(tenant, webhookId);
    if (found === null) return 'the webhook was deleted';
    return found.webhook.status.kind === 'active' ? null : 'the webhook is inactive';
  }

  async fail(done: ReplayCounts, detail: string): Promise<Replay> {
    const { clock, runner } = this.#context;
    if (done.found > 0) await this.#advance(done, { deliveries: [], skipped: 0, next: null, position: null });
    return this.#command({ type: 'fail', at: clock.now(), runner, detail });
  }

  #advance(done: ReplayCounts, page: ReplayPage | null): Promise<Replay> {
    const { clock, runner } = this.#context;
    return this.#command({ type: 'advance', at: clock.now(), runner, done, page });
  }

  async #renew(): Promise<void> {
    const { status } = this.#replay;
    const { clock, runner } = this.#context;
    const since = status.kind === 'running' ? (status.lease?.at ?? 0) : 0;
    if (clock.now() - since < RENEW_AFTER_MS) return;
    await this.#command({ type: 'renew', at: clock.now(), runner });
  }

  async #command(command: Parameters<typeof commandReplay>[3]): Promise<Replay> {
    const { tenant, id } = this.#replay;
    const backoff = new Backoff(this.#context.clock);
    for (;;) {
      try {
        const done = await commandReplay(this.#context, tenant, id, command);
        if (done.ok) return this.#ours(done.value);
        if (done.error.kind !== 'contended') throw new NotOurs(done.error.kind);
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
      }
      await backoff.wait(this.#signal);
    }
  }

  #ours(replay: Replay): Replay {
    // A cancellation came first; the page that was under way is counted now.
    if (replay.status.kind === 'cancelled') throw new NotOurs('cancelled');
    this.#replay = replay;
    return replay;
  }

  /** As far as this process has heard. */
  #checkOurs(): void {
    const { tenant, id } = this.#replay;
    const status = this.#context.replays.find(tenant, id)?.state.status;
    if (status?.kind !== 'running' || status.lease?.runner !== this.#context.runner) throw new NotOurs();
  }

  /** Services and streams come and go; a replay outlasts that. What is refused for good is not tried again. */
  async #stubbornly<T>(work: () => Promise<T>): Promise<T> {
    const backoff = new Backoff(this.#context.clock);
    for (;;) {
      try {
        return await work();
      } catch (error) {
        this.#signal.throwIfAborted();
        if (isRefusal(error)) throw error;
      }
      await backoff.wait(this.#signal);
      this.#checkOurs();
      await this.#renew();
    }
  }
}
