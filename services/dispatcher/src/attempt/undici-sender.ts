import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import type { AttemptError } from '@grapnel/domain/delivery/outcome';
import type { Clock, Timer } from '@grapnel/runtime/clock';
import { Agent, type Dispatcher } from 'undici';
import type { AttemptRequest, AttemptResult, AttemptSender } from '../ports.ts';
import { type EgressOptions, guardedConnector } from './egress-guard.ts';
import { failureOf } from './failure.ts';
import { ResponseRecorder } from './response-recorder.ts';

const SEND_HEADERS = 'undici:client:sendHeaders';

/** Thrown into undici when the time for an attempt is over. */
class DeadlineError extends Error {
  readonly code = 'ETIMEDOUT';
}

/** Thrown into undici when enough of an answer has been read. */
class EnoughError extends Error {}

/**
 * {@link AttemptSender} on one undici agent: a pool per origin, connections kept alive, idle origins let go. No redirects,
 * and one deadline for everything, the last byte of the answer included.
 */
export class UndiciSender implements AttemptSender {
  readonly #agent: Agent;
  readonly #clock: Clock;
  /** The request that is being written at this moment: undici tells its socket in the same turn. */
  #writing: RequestInProgress | null = null;
  readonly #onSendHeaders = (message: unknown): void => {
    this.#writing?.connected((message as { readonly socket: Socket }).socket);
    this.#writing = null;
  };

  constructor(egress: EgressOptions, clock: Clock) {
    this.#clock = clock;
    this.#agent = new Agent({
      connect: guardedConnector(egress),
      // Webhooks of many tenants share an origin; the gates bound each of them, so the pool need not.
      connections: 8_192,
      pipelining: 1,
      keepAliveTimeout: 4_000,
      keepAliveMaxTimeout: 60_000,
      // The deadline is ours: one timer for everything.
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: 32_768,
    });
    subscribe(SEND_HEADERS, this.#onSendHeaders);
  }

  send(request: AttemptRequest): Promise<AttemptResult> {
    return new Promise((resolve) => {
      const progress = new RequestInProgress(request, this.#clock, resolve, (self) => {
        this.#writing = self;
      });
      const { method = 'POST', url, headers, body } = request;
      const options = { origin: url.origin, path: url.pathname + url.search, method, headers, body } as const;
      try {
        this.#agent.dispatch(options, progress);
      } catch (error) {
        progress.failed(error);
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    unsubscribe(SEND_HEADERS, this.#onSendHeaders);
    await this.#agent.destroy();
  }
}

/** One request from dispatch to result; undici's handler. */
class RequestInProgress implements Dispatcher.DispatchHandler {
  readonly #request: AttemptRequest;
  readonly #clock: Clock;
  readonly #settle: (result: AttemptResult) => void;
  readonly #onWriting: (self: RequestInProgress) => void;
  readonly #startedAt: number;
  readonly #began: number;
  readonly #deadline: Timer;
  #controller: Dispatcher.DispatchController | null = null;
  #response: ResponseRecorder | null = null;
  #remoteAddress: string | null = null;
  #settled = false;

  constructor(
    request: AttemptRequest,
    clock: Clock,
    settle: (result: AttemptResult) => void,
    onWriting: (self: RequestInProgress) => void,
  ) {
    this.#request = request;
    this.#clock = clock;
    this.#settle = settle;
    this.#onWriting = onWriting;
    this.#startedAt = clock.now();
    this.#began = clock.monotonic();
    this.#deadline = clock.after(request.deadlineMs, () => this.#timeIsUp());
  }

  connected(socket: Socket): void {
    this.#remoteAddress = socket.remoteAddress ?? null;
  }

  failed(error: unknown): void {
    const failure = failureOf(error);
    this.#finish(failure.result, failure.error);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // The deadline passed while the connection was being made: nothing is sent any more.
    if (this.#settled) controller.abort(new DeadlineError());
    else this.#onWriting(this);
  }

  onResponseStart(_controller: unknown, status: number, headers: Record<string, string | string[] | undefined>): void {
    // 1xx are not the answer.
    if (status >= 200) this.#response = new ResponseRecorder(status, headers, this.#request.keptChars);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#response?.take(chunk) !== 'enough') return;
    // The status is known and nobody needs the rest of a huge body: the connection goes instead.
    this.#answered();
    controller.abort(new EnoughError());
  }

  onResponseEnd(): void {
    this.#answered();
  }

  onResponseError(_controller: unknown, error: Error): void {
    if (!this.#settled) this.failed(error);
  }

  #answered(): void {
    const status = this.#response?.status ?? 0;
    const succeeded = status >= 200 && status < 300;
    this.#finish(
      { kind: 'response', status },
      succeeded ? null : { code: `HTTP_${status}`, message: `HTTP ${status}` },
    );
  }

  #timeIsUp(): void {
    const seconds = this.#request.deadlineMs / 1_000;
    const message =
      this.#controller === null ? 'Connection timeout' : `Connection timeout: no complete response within ${seconds} s`;
    this.#finish({ kind: 'no_response', code: 'ETIMEDOUT' }, { code: 'ETIMEDOUT', message });
    this.#controller?.abort(new DeadlineError());
  }

  #finish(result: AttemptResult['result'], error: AttemptError | null): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#deadline.cancel();
    this.#settle({
      result,
      startedAt: this.#startedAt,
      durationMs: Math.round(this.#clock.monotonic() - this.#began),
      response: this.#response?.recorded() ?? null,
      error,
      remoteAddress: this.#remoteAddress,
    });
  }
}
