import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import type { AttemptError } from '@grapnel/domain/delivery/outcome';
import type { Clock, Timer } from '@grapnel/runtime/clock';
import { type Linked, LinkedList } from '@grapnel/runtime/linked-list';
import type { Dispatcher } from 'undici';
import type { AttemptRequest, AttemptResult, AttemptSender } from '../ports.ts';
import { Connections } from './connections.ts';
import { type EgressOptions, guardedConnector } from './egress-guard.ts';
import { failureOf, InvalidResponseError } from './failure.ts';
import type { NameResolver } from './name-resolver.ts';
import { ResponseRecorder } from './response-recorder.ts';

const SEND_HEADERS = 'undici:client:sendHeaders';

/** Of names and values, as much as Node allows itself; each header costs time, however short. */
const MAX_HEADER_BYTES = 16_384;
/** Of 1xx, before the answer; without a bound they could come for ever, and each costs time. */
const MAX_INFORMATIONAL = 16;

/** Of an answer with everything that is round its body; endless chunk extensions or blank lines are none of it. */
const MAX_ANSWER_BYTES = 524_288;
const LOOK_AT_LENGTHS_MS = 250;

/** Thrown into undici when enough of an answer has been read. */
class EnoughError extends Error {}

/**
 * {@link AttemptSender} on undici's clients: connections kept alive by origin, idle ones let go. No redirects, and one
 * deadline for everything, the last byte of the answer included.
 */
export class UndiciSender implements AttemptSender {
  readonly #connections: Connections;
  readonly #clock: Clock;
  readonly #underWay = new LinkedList<RequestInProgress>();
  #looking: Timer;
  /** The request that is being written at this moment: undici tells its socket in the same turn. */
  #writing: RequestInProgress | null = null;
  readonly #onSendHeaders = (message: unknown): void => {
    this.#writing?.connected((message as { readonly socket: Socket }).socket);
    this.#writing = null;
  };

  constructor(egress: EgressOptions, names: NameResolver, clock: Clock) {
    this.#clock = clock;
    const options = {
      connect: guardedConnector(egress, names),
      pipelining: 1,
      keepAliveTimeout: 4_000,
      keepAliveMaxTimeout: 60_000,
      // The deadline is ours: one timer for everything.
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: MAX_HEADER_BYTES,
    };
    this.#connections = new Connections(options, clock);
    subscribe(SEND_HEADERS, this.#onSendHeaders);
    this.#looking = this.#lookLater();
  }

  send(request: AttemptRequest): Promise<AttemptResult> {
    return new Promise((resolve) => {
      const { method = 'POST', target, headers, body } = request;
      const connection = this.#connections.take(target.origin);
      const progress = new RequestInProgress(request, this.#clock, resolve, {
        writing: (self) => {
          this.#writing = self;
        },
        ended: (whole) => {
          this.#underWay.remove(progress);
          if (whole) this.#connections.giveBack(connection);
          else this.#connections.discard(connection);
        },
      });
      this.#underWay.add(progress);
      try {
        connection.client.dispatch({ path: target.path, method, headers, body }, progress);
      } catch (error) {
        progress.failed(error);
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    unsubscribe(SEND_HEADERS, this.#onSendHeaders);
    this.#looking.cancel();
    await this.#connections[Symbol.asyncDispose]();
  }

  #lookLater(): Timer {
    return this.#clock.after(LOOK_AT_LENGTHS_MS, () => {
      for (const request of this.#underWay) request.lookAtLength();
      this.#looking = this.#lookLater();
    });
  }
}

/** Who has to know how far a request is. */
interface Hears {
  /** It is being written, in this very turn. */
  writing(self: RequestInProgress): void;
  /** `reusable`: its answer was read whole, and the connection can take the next. */
  ended(reusable: boolean): void;
}

/** One request from dispatch to result; undici's handler. */
class RequestInProgress implements Dispatcher.DispatchHandler, Linked {
  previous: this | null = null;
  next: this | null = null;
  readonly #request: AttemptRequest;
  readonly #clock: Clock;
  readonly #settle: (result: AttemptResult) => void;
  readonly #hears: Hears;
  readonly #startedAt: number;
  readonly #began: number;
  readonly #deadline: Timer;
  #controller: Dispatcher.DispatchController | null = null;
  #response: ResponseRecorder | null = null;
  #remoteAddress: string | null = null;
  #socket: Socket | null = null;
  #readBefore = 0;
  #informational = 0;
  #settled = false;

  constructor(request: AttemptRequest, clock: Clock, settle: (result: AttemptResult) => void, hears: Hears) {
    this.#request = request;
    this.#clock = clock;
    this.#settle = settle;
    this.#hears = hears;
    this.#startedAt = clock.now();
    this.#began = clock.monotonic();
    this.#deadline = clock.after(request.deadlineMs, () => this.#timeIsUp());
  }

  connected(socket: Socket): void {
    this.#remoteAddress = socket.remoteAddress ?? null;
    this.#socket = socket;
    this.#readBefore = socket.bytesRead;
  }

  /** What undici reads without telling is bounded here. */
  lookAtLength(): void {
    if (this.#socket === null || this.#socket.bytesRead - this.#readBefore <= MAX_ANSWER_BYTES) return;
    if (this.#response === null) this.#controller?.abort(new InvalidResponseError());
    else this.#enough();
  }

  failed(error: unknown): void {
    const failure = failureOf(error);
    this.#finish(failure.result, failure.error);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    this.#hears.writing(this);
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    // 1xx are not the answer.
    if (status >= 200) this.#response = new ResponseRecorder(status, headers, this.#request.keptChars);
    else if (++this.#informational > MAX_INFORMATIONAL) controller.abort(new InvalidResponseError());
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    if (this.#response?.take(chunk) === 'enough') this.#enough();
  }

  onResponseEnd(): void {
    this.#answered('whole');
  }

  onResponseError(_controller: unknown, error: Error): void {
    if (!this.#settled) this.failed(error);
  }

  /** The status is known and nobody needs the rest of a huge answer: the connection goes instead. */
  #enough(): void {
    this.#answered('partly');
    this.#controller?.abort(new EnoughError());
  }

  #answered(read: 'whole' | 'partly'): void {
    const status = this.#response?.status ?? 0;
    const succeeded = status >= 200 && status < 300;
    this.#finish(
      { kind: 'response', status },
      succeeded ? null : { code: `HTTP_${status}`, message: `HTTP ${status}` },
      read === 'whole',
    );
  }

  #timeIsUp(): void {
    const seconds = this.#request.deadlineMs / 1_000;
    const message =
      this.#controller === null ? 'Connection timeout' : `Connection timeout: no complete response within ${seconds} s`;
    this.#finish({ kind: 'no_response', code: 'ETIMEDOUT' }, { code: 'ETIMEDOUT', message });
  }

  #finish(result: AttemptResult['result'], error: AttemptError | null, reusable = false): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#deadline.cancel();
    this.#hears.ended(reusable);
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
