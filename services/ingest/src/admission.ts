import type { TenantId } from '@grapnel/domain/ids';

/** What may be under way at once, over all callers. */
export interface AdmissionLimit {
  readonly events: number;
  readonly bytes: number;
}

interface Waiting {
  readonly bytes: number;
  admit(): void;
}

/** What one tenant has under way, and who waits in its line. */
interface Share {
  events: number;
  bytes: number;
  readonly line: Waiting[];
}

/** Nobody may have more than so many times what is left for others: three quarters for one alone. */
const TIMES_WHAT_IS_LEFT = 3;
/** Tenants of whom there is an empty share. */
const REMEMBERED = 10_000;

/**
 * Bounds the events that were read and are not yet stored, in number and in bytes of data: the memory this service may
 * take. Calls are refused when it is full; streams wait in line, which is what stops reading from them. A producer in haste
 * leaves room for other tenants, and these do not wait in its line.
 */
export class Admission {
  readonly #limit: AdmissionLimit;
  readonly #shares = new Map<TenantId, Share>();
  /** Those with somebody in line; who was let in last is last. */
  readonly #waiting: Share[] = [];
  #events = 0;
  #bytes = 0;
  #idle: (() => void)[] = [];

  constructor(limit: AdmissionLimit) {
    this.#limit = limit;
  }

  get events(): number {
    return this.#events;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes room for `events` of `bytes` in all; `false` when there is none, or others of the tenant are waiting for it. */
  tryEnter(tenant: TenantId, bytes: number, events = 1): boolean {
    const share = this.#shareOf(tenant);
    if (share.line.length > 0 || !this.#fits(share, bytes, events)) return false;
    this.#take(share, bytes, events);
    return true;
  }

  /** Waits for room, first come, first served among a tenant's. Rejects with the signal's reason. */
  async enter(tenant: TenantId, bytes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.tryEnter(tenant, bytes)) return;
    const share = this.#shareOf(tenant);
    await new Promise<void>((resolve, reject) => {
      const waiting: Waiting = {
        bytes,
        admit: () => {
          signal.removeEventListener('abort', giveUp);
          resolve();
        },
      };
      const giveUp = (): void => {
        share.line.splice(share.line.indexOf(waiting), 1);
        if (share.line.length === 0) this.#waiting.splice(this.#waiting.indexOf(share), 1);
        this.#admitWaiting();
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', giveUp, { once: true });
      if (share.line.push(waiting) === 1) this.#waiting.push(share);
    });
  }

  leave(tenant: TenantId, bytes: number): void {
    const share = this.#shareOf(tenant);
    share.events--;
    share.bytes -= bytes;
    this.#events--;
    this.#bytes -= bytes;
    this.#admitWaiting();
    if (this.#events > 0) return;
    if (this.#shares.size > REMEMBERED) this.#shares.clear();
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    if (this.#events > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #shareOf(tenant: TenantId): Share {
    let share = this.#shares.get(tenant);
    if (share === undefined) this.#shares.set(tenant, (share = { events: 0, bytes: 0, line: [] }));
    return share;
  }

  /** One of each tenant by turns, until nobody's next fits. */
  #admitWaiting(): void {
    for (let passedOver = 0; passedOver < this.#waiting.length; ) {
      const share = this.#waiting.shift() as Share;
      const next = share.line[0] as Waiting;
      const fits = this.#fits(share, next.bytes, 1);
      if (fits) {
        share.line.shift();
        this.#take(share, next.bytes, 1);
        next.admit();
      }
      passedOver = fits ? 0 : passedOver + 1;
      if (share.line.length > 0) this.#waiting.push(share);
    }
  }

  /** One event always fits into an empty house, however small the limit; and what is left is first of all for who has nothing. */
  #fits(share: Share, bytes: number, events: number): boolean {
    if (this.#events === 0) return true;
    const left = { events: this.#limit.events - this.#events - events, bytes: this.#limit.bytes - this.#bytes - bytes };
    if (left.events < 0 || left.bytes < 0) return false;
    if (share.events === 0) return true;
    const mayHave = { events: TIMES_WHAT_IS_LEFT * left.events, bytes: TIMES_WHAT_IS_LEFT * left.bytes };
    return share.events + events <= mayHave.events && share.bytes + bytes <= mayHave.bytes;
  }

  #take(share: Share, bytes: number, events: number): void {
    share.events += events;
    share.bytes += bytes;
    this.#events += events;
    this.#bytes += bytes;
  }
}
