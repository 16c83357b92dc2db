import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type Answer, sendAnswer } from './answer.ts';
import { pathOf, ReceivedRequest } from './received-request.ts';

/** A fixed answer, or one made for each request. */
export type Responder = Answer | ((request: ReceivedRequest) => Answer | Promise<Answer>);

export interface ReceiverOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default: a free one. */
  readonly port?: number;
  /** Makes it an HTTPS server. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

export interface WaitOptions {
  /** Default 10 s. */
  readonly timeoutMs?: number;
  /** Only requests to this path count. */
  readonly path?: string;
}

interface Waiter {
  check(): boolean;
}

/** A customer's endpoint for tests: records every request, and answers (or misbehaves) as told. */
export class Receiver implements AsyncDisposable {
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  readonly origin: string;
  readonly port: number;
  /** Every request whose body arrived whole, in order of completion. */
  readonly requests: ReceivedRequest[] = [];
  readonly #server: Server;
  readonly #closing = new AbortController();
  readonly #responders = new Map<string, Responder>();
  readonly #sequences = new Map<string, Responder[]>();
  readonly #inFlight = new Map<string, { now: number; most: number }>();
  readonly #waiters = new Set<Waiter>();
  #fallback: Responder = { status: 200 };

  private constructor(server: Server, origin: string, port: number) {
    this.#server = server;
    this.origin = origin;
    this.port = port;
  }

  static async start(options: ReceiverOptions = {}): Promise<Receiver> {
    const host = options.host ?? '127.0.0.1';
    const server = options.tls === undefined ? createServer() : createTlsServer(options.tls);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port: options.port ?? 0 }, resolve);
    });
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the receiver has no port');
    const shown = host.includes(':') ? `[${host}]` : host;
    const origin = `${options.tls === undefined ? 'http' : 'https'}://${shown}:${address.port}`;
    const receiver = new Receiver(server, origin, address.port);
    server.on('request', (message, response) => void receiver.#take(message, response));
    return receiver;
  }

  /** `receiver.url('/hook')` */
  url(path = '/'): string {
    return `${this.origin}${path}`;
  }

  /** Answers requests to `path` like this from now on; without a path, all that nothing else is said for. */
  respond(responder: Responder, path?: string): void {
    if (path === undefined) this.#fallback = responder;
    else this.#responders.set(path, responder);
  }

  /** Answers the next requests to `path` with these, one each; after the last one, as {@link respond} says. */
  sequence(path: string, responders: readonly Responder[]): void {
    this.#sequences.set(path, [...(this.#sequences.get(path) ?? []), ...responders]);
  }

  requestsTo(path: string): ReceivedRequest[] {
    return this.requests.filter((request) => request.path === path);
  }

  /** The most requests to `path` that were being received or answered at the same time. */
  highWater(path: string): number {
    return this.#inFlight.get(path)?.most ?? 0;
  }

  /** Forgets requests and high-water marks; answers stay. */
  clear(): void {
    this.requests.length = 0;
    for (const entry of this.#inFlight.values()) entry.most = entry.now;
  }

  /** Waits until so many requests have arrived in all; returns them. */
  waitFor(count: number, options?: WaitOptions): Promise<ReceivedRequest[]>;
  /** Waits for a request that fits, past ones included; returns the first. */
  waitFor(fits: (request: ReceivedRequest) => boolean, options?: WaitOptions): Promise<ReceivedRequest>;
  waitFor(
    wanted: number | ((request: ReceivedRequest) => boolean),
    options: WaitOptions = {},
  ): Promise<ReceivedRequest[] | ReceivedRequest> {
    const counted = (): ReceivedRequest[] =>
      options.path === undefined ? [...this.requests] : this.requestsTo(options.path);
    const find = (): ReceivedRequest[] | ReceivedRequest | undefined => {
      if (typeof wanted === 'function') return counted().find(wanted);
      return counted().length >= wanted ? counted() : undefined;
    };
    const describe = (): string => {
      const goal = typeof wanted === 'number' ? `${wanted} requests` : `a request with ${wanted.toString()}`;
      return `no ${goal} within ${options.timeoutMs ?? 10_000} ms; there were ${counted().length}`;
    };
    return this.#until(find, describe, options.timeoutMs ?? 10_000);
  }

  async stop(): Promise<void> {
    this.#closing.abort();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #take(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = pathOf(message.url ?? '');
    const leave = this.#enter(path);
    const gone = new AbortController();
    response.once('close', () => {
      gone.abort();
      leave();
    });
    const signal = AbortSignal.any([gone.signal, this.#closing.signal]);
    try {
      const receivedAt = Date.now();
      const request = new ReceivedRequest(message, await readBody(message), receivedAt);
      // Taken before the request is announced: a waiter may change the answers for the next one.
      const responder = this.#sequences.get(path)?.shift() ?? this.#responders.get(path) ?? this.#fallback;
      this.requests.push(request);
      for (const waiter of this.#waiters) if (waiter.check()) this.#waiters.delete(waiter);
      const answer = typeof responder === 'function' ? await responder(request) : responder;
      await sendAnswer(answer, response, signal);
    } catch (error) {
      if (signal.aborted || message.destroyed) return;
      response.writeHead(599).end(String(error));
    }
  }

  #enter(path: string): () => void {
    const entry = this.#inFlight.get(path) ?? { now: 0, most: 0 };
    this.#inFlight.set(path, entry);
    entry.now += 1;
    entry.most = Math.max(entry.most, entry.now);
    return () => {
      entry.now -= 1;
    };
  }

  #until<T>(find: () => T | undefined, describe: () => string, timeoutMs: number): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const waiter: Waiter = {
      check: () => {
        const found = find();
        if (found === undefined) return false;
        clearTimeout(timer);
        resolve(found);
        return true;
      },
    };
    const timer = setTimeout(() => {
      this.#waiters.delete(waiter);
      reject(new Error(describe()));
    }, timeoutMs);
    if (!waiter.check()) this.#waiters.add(waiter);
    return promise;
  }
}

async function readBody(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
