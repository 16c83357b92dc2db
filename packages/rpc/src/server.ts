import type { EventEmitter } from 'node:events';
import type { DescMethod, DescService, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { create } from '@bufbuild/protobuf';
import { TRACEPARENT } from '@grapnel/contracts/message';
import { systemClock, type Timer } from '@grapnel/runtime/clock';
import type { Logger } from '@grapnel/runtime/logger';
import {
  type Metadata,
  Server,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  type UntypedHandleCall,
} from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import type { Principal } from './auth.ts';
import { serviceDefinition } from './definition.ts';
import { drained } from './drained.ts';
import { Code, RpcError, toServiceError } from './errors.ts';
import { observeCall } from './observe.ts';
import { addReflection } from './reflection.ts';
import { requestsOf } from './requests.ts';
import { NO_TLS, serverCredentials, type TlsFiles } from './tls.ts';

/** What a handler knows beside the request. */
export interface CallContext {
  readonly principal: Principal;
  /** Aborts when the caller goes away or its deadline passes. */
  readonly signal: AbortSignal;
  /** W3C trace context of the caller. */
  readonly traceparent: string | null;
}

type Handler<M extends DescMethod> = M['methodKind'] extends 'unary'
  ? (request: MessageShape<M['input']>, context: CallContext) => Promise<MessageInitShape<M['output']>>
  : M['methodKind'] extends 'server_streaming'
    ? (request: MessageShape<M['input']>, context: CallContext) => AsyncIterable<MessageInitShape<M['output']>>
    : M['methodKind'] extends 'bidi_streaming'
      ? (
          requests: AsyncIterable<MessageShape<M['input']>>,
          context: CallContext,
        ) => AsyncIterable<MessageInitShape<M['output']>>
      : never;

/** One function per method of a service. */
export type Handlers<S extends DescService> = { readonly [K in keyof S['method']]: Handler<S['method'][K]> };

/** A service, its handlers and who may call it. */
export interface Registration {
  readonly service: DescService;
  readonly handlers: Readonly<Record<string, unknown>>;
  /** `service`: our own services alone; `tenant`: they and tenants. */
  readonly access: 'tenant' | 'service';
}

export function register<S extends DescService>(
  service: S,
  access: Registration['access'],
  handlers: Handlers<S>,
): Registration {
  return { service, access, handlers };
}

export interface RpcServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly tls?: TlsFiles;
  readonly services: readonly Registration[];
  authenticate(metadata: Metadata): Principal;
  readonly logger: Logger;
  /** Bytes; larger requests are refused with RESOURCE_EXHAUSTED before they are decoded. */
  readonly maxRequestBytes?: number;
}

export interface RpcServer extends AsyncDisposable {
  /** `host:port`. */
  readonly address: string;
  /** What the health service says from now on. */
  setServing(serving: boolean): void;
}

const DEFAULT_MAX_REQUEST_BYTES = 9 * 1_048_576;
const STOP_WITHIN_MS = 10_000;

/** Serves protobuf-es services over grpc-js, with health and reflection. */
export async function startRpcServer(options: RpcServerOptions): Promise<RpcServer> {
  const server = new Server({
    'grpc.max_receive_message_length': options.maxRequestBytes ?? DEFAULT_MAX_REQUEST_BYTES,
    'grpc.max_metadata_size': 16_384,
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 10_000,
  });
  // Streams may last for ever: a stop ends them, while unary calls may finish.
  const stop = new AbortController();
  for (const registration of options.services) {
    server.addService(serviceDefinition(registration.service), bridge(registration, options, stop.signal));
  }
  const names = options.services.map(({ service }) => service.typeName);
  const health = new HealthImplementation();
  const setServing = (serving: boolean): void => {
    for (const name of ['', ...names]) health.setStatus(name, serving ? 'SERVING' : 'NOT_SERVING');
  };
  setServing(true);
  health.addToServer(server);
  addReflection(
    server,
    options.services.map(({ service }) => service),
  );
  const port = await bind(server, options);
  return {
    address: `${options.host}:${port}`,
    setServing,
    async [Symbol.asyncDispose]() {
      setServing(false);
      stop.abort(new RpcError(Code.UNAVAILABLE, 'the server is stopping'));
      const forced = systemClock.after(STOP_WITHIN_MS, () => server.forceShutdown());
      await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
      forced.cancel();
    },
  };
}

function bind(server: Server, { host, port, tls = NO_TLS }: RpcServerOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`${host}:${port}`, serverCredentials(tls), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(new Error(`port ${port} on ${host} cannot be used: ${error.message}`, { cause: error }));
    });
  });
}

/** What the three kinds of calls have in common. */
type Call = EventEmitter & { readonly metadata: Metadata; readonly cancelled: boolean };
type Fields = Record<string, unknown>;
type Unary = ServerUnaryCall<unknown, unknown>;
type Stream = ServerWritableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>;

function bridge(
  registration: Registration,
  options: RpcServerOptions,
  stopping: AbortSignal,
): Record<string, UntypedHandleCall> {
  return Object.fromEntries(
    registration.service.methods.map((method) => {
      const handler = registration.handlers[method.localName] as (request: unknown, context: CallContext) => unknown;
      return [method.localName, bridged(method, handler, registration.access, options, stopping)];
    }),
  );
}

function bridged(
  method: DescMethod,
  handler: (request: unknown, context: CallContext) => unknown,
  access: Registration['access'],
  options: RpcServerOptions,
  stopping: AbortSignal,
): UntypedHandleCall {
  const answer = (call: Call, request: () => unknown, ...ends: AbortSignal[]): unknown =>
    handler(request(), contextOf(call, access, options, ends));
  const failed = (error: unknown) => toServiceError(known(error, method, options.logger));
  if (method.methodKind === 'unary') {
    return (call: Unary, callback: sendUnaryData<unknown>) => {
      observeCall(method, async () => create(method.output, (await answer(call, () => call.request)) as Fields)).then(
        (response) => callback(null, response),
        (error: unknown) => callback(failed(error)),
      );
    };
  }
  const stream = (call: Stream, request: unknown, ...ends: AbortSignal[]): void => {
    observeCall(method, async () => {
      const responses = answer(call, () => request, stopping, ...ends) as AsyncIterable<Fields>;
      for await (const response of responses) {
        if (call.cancelled) return;
        // Waiting for the drain is the back-pressure: a slow reader stops the handler, not the memory.
        if (!call.write(create(method.output, response))) await drained(call);
      }
      for (const end of ends) end.throwIfAborted();
    }).then(
      () => call.end(),
      (error: unknown) => call.emit('error', failed(error)),
    );
  };
  if (method.methodKind === 'server_streaming') {
    return (call: ServerWritableStream<unknown, unknown>) => {
      const refused = whenRefused(() => options.authenticate(call.metadata));
      call.once('close', refused.stop);
      stream(call, call.request, refused.signal);
    };
  }
  return (call: ServerDuplexStream<unknown, unknown>) =>
    stream(
      call,
      stillAllowed(requestsOf(call), () => options.authenticate(call.metadata)),
    );
}

const CHECK_EVERY_MS = 1_000;

/** The requests of a long call, while its caller may make it: a key that is revoked meanwhile ends it. */
async function* stillAllowed(requests: AsyncIterable<unknown>, authenticate: () => Principal): AsyncGenerator {
  let checkedAt = systemClock.monotonic();
  for await (const request of requests) {
    const now = systemClock.monotonic();
    if (now - checkedAt > CHECK_EVERY_MS) {
      authenticate();
      checkedAt = now;
    }
    yield request;
  }
}

/** Of a call that only answers, and may last for ever: aborts when its caller may not make it any more. */
function whenRefused(authenticate: () => Principal): { readonly signal: AbortSignal; readonly stop: () => void } {
  const refused = new AbortController();
  let timer: Timer;
  const checkLater = (): void => {
    timer = systemClock.after(CHECK_EVERY_MS, () => {
      try {
        authenticate();
        checkLater();
      } catch (error) {
        refused.abort(error);
      }
    });
  };
  checkLater();
  return { signal: refused.signal, stop: () => timer.cancel() };
}

/** One for all: every call ends as cancelled after its answer, and an error with a stack for each is not free. */
const CALLER_GONE = new RpcError(Code.CANCELLED, 'the caller went away');

function contextOf(
  call: Call,
  access: Registration['access'],
  options: RpcServerOptions,
  ends: readonly AbortSignal[],
): CallContext {
  const principal = options.authenticate(call.metadata);
  if (access === 'service' && principal.kind !== 'service') {
    throw new RpcError(Code.PERMISSION_DENIED, 'only services may call this');
  }
  const aborter = new AbortController();
  call.on('cancelled', () => aborter.abort(CALLER_GONE));
  const signal = ends.length === 0 ? aborter.signal : AbortSignal.any([aborter.signal, ...ends]);
  return { principal, signal, traceparent: call.metadata.get(TRACEPARENT)[0]?.toString() ?? null };
}

/** Errors that nobody meant to show say nothing to the caller and everything to the log. */
function known(error: unknown, method: DescMethod, logger: Logger): RpcError {
  if (error instanceof RpcError) return error;
  logger.error({ err: error, method: `${method.parent.typeName}/${method.name}` }, 'a call failed unexpectedly');
  return new RpcError(Code.INTERNAL, 'internal error');
}
