import type { ExecutionId, TenantId } from '@grapnel/domain/ids';
import type { ExecutionEvent, ExecutionFailure, GivenResponse } from '@grapnel/domain/trigger/execution';
import type { Logger } from '@grapnel/runtime/logger';
import { SharedPlaces } from '@grapnel/runtime/shared-places';
import { StoreUnavailable, WrongLastSequence } from '@grapnel/stream/ports';
import { CallOutUnavailable } from './call-out-sender.ts';
import type { FlowRunner, Progress } from './flow-runner.ts';
import { inFlowSpan } from './observe-flows.ts';

/** What a caller that waits for a flow is told (NB-08). */
export type FlowEnd =
  | { readonly kind: 'response'; readonly response: GivenResponse }
  | { readonly kind: 'completed' }
  | { readonly kind: 'failed'; readonly failure: ExecutionFailure }
  /** Nobody knows how far it came. */
  | { readonly kind: 'unavailable' };

/** Flows that callers of one process may wait for at once: each keeps its variables, and its connection, for so long. */
const MAX_UNDER_WAY = 512;

/** Flows whose callers wait. They are run where the connection is; what comes after the answer goes on without it. */
export class SynchronousFlows {
  readonly #runner: FlowRunner;
  readonly #logger: Logger;
  readonly #underWay = new Map<ExecutionId, Promise<void>>();
  readonly #places = new SharedPlaces<TenantId>(MAX_UNDER_WAY);

  constructor(runner: FlowRunner, logger: Logger) {
    this.#runner = runner;
    this.#logger = logger;
  }

  /** A place for one caller of a tenant, which {@link run} gives back at the end; `false` when nobody else should wait here. */
  reserve(tenant: TenantId): boolean {
    return this.#places.tryAcquire(tenant);
  }

  /** Of a place that was reserved for what is not run. */
  giveBack(tenant: TenantId): void {
    this.#places.release(tenant);
  }

  /** Resolves when this process runs it no longer; `null` when it does not run it. */
  underWay(id: ExecutionId): Promise<void> | null {
    return this.#underWay.get(id) ?? null;
  }

  /**
   * In a place that was reserved. Resolves with the answer, at the first response step or at the end, and never after the
   * execution's deadline.
   */
  run(started: Extract<ExecutionEvent, { type: 'execution_started' }>, traceparent: string | null): Promise<FlowEnd> {
    return new Promise((resolve) => {
      const { execution: id } = started;
      const running = inFlowSpan({ ...started, id }, traceparent, () => this.#run(started, resolve))
        .catch((error: unknown) => {
          resolve({ kind: 'unavailable' });
          const expected =
            error instanceof StoreUnavailable ||
            error instanceof WrongLastSequence ||
            error instanceof CallOutUnavailable;
          const log = { err: error, execution: started.execution };
          if (expected) this.#logger.warn(log, 'a synchronous flow was given up');
          else this.#logger.error(log, 'a synchronous flow failed unexpectedly');
        })
        .finally(() => {
          this.#underWay.delete(started.execution);
          this.#places.release(started.tenant);
        });
      this.#underWay.set(started.execution, running);
    });
  }

  /** Resolves when none is under way; their deadlines bound it. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay.values());
  }

  async #run(
    started: Extract<ExecutionEvent, { type: 'execution_started' }>,
    answer: (end: FlowEnd) => void,
  ): Promise<void> {
    const never = new AbortController().signal;
    let progress = await this.#runner.start(started);
    for (;;) {
      const before = progress;
      progress = await this.#advance(progress, never);
      const { response, status } = progress.execution;
      if (response !== null) answer({ kind: 'response', response });
      else if (status.kind === 'completed') answer({ kind: 'completed' });
      else if (status.kind === 'failed') answer({ kind: 'failed', failure: status.failure });
      if (progress === before) return;
    }
  }

  /** The caller cannot wait until a dispatcher comes back. */
  async #advance(progress: Progress, signal: AbortSignal): Promise<Progress> {
    try {
      return await this.#runner.advance(progress, signal);
    } catch (error) {
      if (!(error instanceof CallOutUnavailable)) throw error;
      return this.#runner.fail(progress, { code: 'CALL_OUT_FAILED', message: error.message });
    }
  }
}
