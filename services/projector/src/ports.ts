import type { LifetimeTotals } from '@grapnel/contracts/totals-codec';
import type { DeliveryStatus } from '@grapnel/domain/delivery/outcome';
import type { DeliveryId, TenantId, WebhookId } from '@grapnel/domain/ids';
import type { Changes } from './project/changes.ts';

/** How far a stream is projected, and which stream it is: one of the same name made later begins anew. */
export interface Checkpoint {
  readonly stream: string;
  readonly created: string;
  readonly sequence: number;
}

/** Somebody else moved a checkpoint, by a rebuild: what this projector remembers is out of date. */
export class CheckpointMoved extends Error {
  constructor(stream: string) {
    super(`the checkpoint of ${stream} was moved by somebody else`);
    this.name = 'CheckpointMoved';
  }
}

/** Rows written by one transaction. */
export interface Written {
  readonly deliveries: number;
  readonly attempts: number;
}

/** The read model while this process is the only one that writes it. Every method is one transaction, one at a time. */
export interface ProjectionWriter {
  /** The checkpoint of a stream; set to 0 when it belongs to another stream of that name or lies beyond its end. */
  checkpoint(stream: string, created: string, last: number): Promise<Checkpoint>;
  /**
   * Changes and checkpoint together, or nothing.
   * @throws CheckpointMoved
   */
  apply(changes: Changes, from: Checkpoint, to: number): Promise<Written>;
  /**
   * Makes partitions for the coming days. A read model that knows nothing of OUTCOMES yet takes over the lifetime totals;
   * one that has never dropped a day keeps what is not older than `keptFrom`, or than they reach.
   */
  prepare(today: number, keptFrom: number, outcomes: string, totals: Restored): Promise<void>;
  /**
   * Makes partitions for the coming days; drops what is older than `keptFrom` and counts it as archived. For a read model
   * that has caught up: what restored totals contain is no longer told apart.
   */
  maintain(today: number, keptFrom: number): Promise<void>;
  /** What deliveries made before a moment came to, as far as OUTCOMES is projected; and which of `known` are deleted. */
  totalsBefore(madeBefore: number, outcomes: string, known: readonly WebhookId[]): Promise<TotalsSoFar>;
  /**
   * Compares what this process remembers with what is stored; fails as well when the connection, and with it the lock,
   * is lost.
   * @throws CheckpointMoved
   */
  confirm(remembered: () => readonly Checkpoint[]): Promise<void>;
}

/** Lifetime totals, and which OUTCOMES there is now: what they cover of another one says nothing of this. */
export interface Restored {
  readonly totals: readonly LifetimeTotals[];
  readonly outcomesCreated: string;
}

export interface TotalsSoFar {
  /** `null` before anything is projected. */
  readonly checkpoint: Checkpoint | null;
  /** By webhook. */
  readonly webhooks: readonly Pick<LifetimeTotals, 'tenant' | 'webhookId' | 'days'>[];
  readonly deleted: readonly WebhookId[];
}

export interface ReadModel {
  /**
   * Runs `work` while no other process projects; `false` at once when another one does. The lock is a property of the
   * connection that also writes: whoever loses one loses both.
   */
  exclusively(work: (writer: ProjectionWriter) => Promise<void>): Promise<boolean>;
}

/** A delivery as the history shows it. Times are milliseconds since the epoch. */
export interface DeliveryView {
  readonly id: DeliveryId;
  readonly webhookId: WebhookId;
  readonly eventId: string;
  readonly eventType: string;
  readonly jobId: string | null;
  readonly taskId: string | null;
  readonly status: DeliveryStatus;
  /** 0 for the first sending, else which replay. */
  readonly round: number;
  readonly attemptNumber: number;
  /** Of the newest round; `null` before its first attempt. */
  readonly lastAttempt: LastAttempt | null;
  readonly createdAt: number;
  readonly deliveredAt: number | null;
  readonly nextAttemptAt: number | null;
  readonly skipReason: string | null;
  readonly test: boolean;
  readonly sequence: number;
  readonly bodyBytes: number;
}

export interface LastAttempt {
  readonly requestUrl: string;
  readonly requestMethod: string;
  readonly responseStatus: number | null;
  /** `null` when nobody answered. */
  readonly responseDurationMs: number | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
}

export interface AttemptView {
  readonly round: number;
  readonly number: number;
  readonly startedAt: number;
  readonly durationMs: number;
  readonly requestUrl: string;
  readonly requestMethod: string;
  readonly requestHeaders: Readonly<Record<string, string>>;
  readonly responseStatus: number | null;
  readonly responseHeaders: Readonly<Record<string, string>> | null;
  readonly responseBody: string | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly remoteAddress: string | null;
  readonly nextAttemptAt: number | null;
  readonly succeeded: boolean;
}

/** Where a page begins: after this delivery, in the order newest first. */
export interface Position {
  readonly createdAt: number;
  readonly id: string;
}

export interface DeliveryQuery {
  readonly tenant: TenantId;
  readonly webhookId: WebhookId | null;
  /** Empty: all. */
  readonly statuses: readonly DeliveryStatus[];
  /** Types, or `family.*`; empty: all. */
  readonly eventTypes: readonly string[];
  /** Inclusive. */
  readonly from: number | null;
  /** Exclusive. */
  readonly to: number | null;
  readonly after: Position | null;
  readonly offset: number;
  readonly limit: number;
}

export interface WebhookTotalsView {
  readonly webhookId: WebhookId;
  readonly delivered: number;
  readonly failed: number;
  readonly lastSuccessAt: number | null;
  readonly lastFailureAt: number | null;
}

export interface HourView {
  readonly hour: number;
  readonly delivered: number;
  readonly failed: number;
  readonly attempts: number;
  readonly failedAttempts: number;
  readonly responseMsSum: number;
  readonly responses: number;
}

/** The database cannot answer at the moment. */
export class HistoryUnavailable extends Error {
  constructor(cause: unknown) {
    super('the delivery history is out of reach', { cause });
    this.name = 'HistoryUnavailable';
  }
}

/** The history as its readers need it; every query is bound to a tenant. Methods throw {@link HistoryUnavailable}. */
export interface History {
  /** Newest first. */
  list(query: DeliveryQuery): Promise<readonly DeliveryView[]>;
  get(tenant: TenantId, webhookId: WebhookId | null, id: DeliveryId): Promise<DeliveryView | null>;
  attempts(tenant: TenantId, delivery: DeliveryView): Promise<readonly AttemptView[]>;
  /** Of those webhooks that have any. */
  totals(tenant: TenantId, webhookIds: readonly WebhookId[]): Promise<readonly WebhookTotalsView[]>;
  /** In order of time, without the hours in which nothing happened. */
  hours(tenant: TenantId, webhookId: WebhookId | null, from: number, to: number): Promise<readonly HourView[]>;
}

/** The read model as an operator sees it. Methods throw {@link HistoryUnavailable}. */
export interface ProjectionControl {
  checkpoints(): Promise<readonly Checkpoint[]>;
  /**
   * Empties the read model, positions included; whoever projects notices and begins anew. Until the result is disposed
   * nobody else can.
   * @throws RebuildUnderWay
   */
  reset(): Promise<AsyncDisposable>;
}

/** Another rebuild is under way. */
export class RebuildUnderWay extends Error {
  constructor() {
    super('a rebuild is under way already');
    this.name = 'RebuildUnderWay';
  }
}
