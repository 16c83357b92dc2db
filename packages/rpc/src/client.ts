import type { DescMethod, DescService, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { create } from '@bufbuild/protobuf';
import { systemClock } from '@grapnel/runtime/clock';
import { Client, type ClientDuplexStream, type ClientReadableStream, Metadata, type ServiceError } from '@grpc/grpc-js';
import { methodDefinition } from './definition.ts';
import { drained } from './drained.ts';
import { Code, fromServiceError, RpcError } from './errors.ts';
import { channelCredentials, NO_TLS, type TlsFiles } from './tls.ts';

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Deadline; 15 s for unary calls when absent, none for streams. */
  readonly timeoutMs?: number;
  /** Sent as metadata, e.g. `grapnel-tenant` or `traceparent`. */
  readonly metadata?: Readonly<Record<string, string>>;
}

type ClientMethod<M extends DescMethod> = M['methodKind'] extends 'unary'
  ? (request: MessageInitShape<M['input']>, options?: CallOptions) => Promise<MessageShape<M['output']>>
  : M['methodKind'] extends 'server_streaming'
    ? (request: MessageInitShape<M['input']>, options?: CallOptions) => AsyncIterable<MessageShape<M['output']>>
    : M['methodKind'] extends 'bidi_streaming'
      ? (
          requests: AsyncIterable<MessageInitShape<M['input']>>,
          options?: CallOptions,
        ) => AsyncIterable<MessageShape<M['output']>>
      : never;

/** A typed client; every rejection is an {@link RpcError}. */
export type RpcClient<S extends DescService> = { readonly [K in keyof S['method']]: ClientMethod<S['method'][K]> };

export interface ChannelOptions {
  /** `host:port`. */
  readonly address: string;
  /** Sent as `authorization: Bearer …`: a tenant's key or the service token. */
  readonly token: string;
  readonly tls?: TlsFiles;
}

/** A connection that several clients share. */
export interface Channel extends Disposable {
  client<S extends DescService>(service: S): RpcClient<S>;
}

/** A message's fields before the schema has checked them; the typed methods above do. */
type Fields = Record<string, unknown>;

const UNARY_TIMEOUT_MS = 15_000;
const MAX_RESPONSE_BYTES = 32 * 1_048_576;

/** Connects lazily and reconnects by itself. */
export function openChannel({ address, token, tls = NO_TLS }: ChannelOptions): Channel {
  const transport = new Client(address, channelCredentials(tls), {
    'grpc.max_receive_message_length': MAX_RESPONSE_BYTES,
    'grpc.max_send_message_length': MAX_RESPONSE_BYTES,
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 10_000,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 2_000,
  });
  return {
    client<S extends DescService>(service: S): RpcClient<S> {
      return Object.fromEntries(
        service.methods.map((method) => [method.localName, bridged(transport, method, token)]),
      ) as RpcClient<S>;
    },
    [Symbol.dispose]: () => transport.close(),
  };
}

function bridged(transport: Client, method: DescMethod, token: string): unknown {
  const { path, requestSerialize, responseDeserialize } = methodDefinition(method);
  const prepared = ({ timeoutMs, metadata = {} }: CallOptions, fallbackMs?: number) => {
    const headers = new Metadata();
    headers.set('authorization', `Bearer ${token}`);
    for (const [name, value] of Object.entries(metadata)) headers.set(name, value);
    const within = timeoutMs ?? fallbackMs;
    return [headers, within === undefined ? {} : { deadline: systemClock.now() + within }] as const;
  };
  switch (method.methodKind) {
    case 'unary':
      return (request: Fields, options: CallOptions = {}) =>
        new Promise((resolve, reject) => {
          const answer = new Answer(resolve, reject);
          const call = transport.makeUnaryRequest(
            path,
            requestSerialize,
            (bytes) => answer.keep(responseDeserialize(bytes)),
            create(method.input, request),
            ...prepared(options, UNARY_TIMEOUT_MS),
            (error) => answer.give(error),
          );
          cancelOn(options.signal, call);
        });
    case 'server_streaming':
      return (request: Fields, options: CallOptions = {}) => {
        const message = create(method.input, request);
        const call = transport.makeServerStreamRequest(
          path,
          requestSerialize,
          responseDeserialize,
          message,
          ...prepared(options),
        );
        cancelOn(options.signal, call);
        return responses(call);
      };
    case 'bidi_streaming':
      return (requests: AsyncIterable<Fields>, options: CallOptions = {}) => {
        const call = transport.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, ...prepared(options));
        cancelOn(options.signal, call);
        void send(call, method, requests);
        return responses(call);
      };
    case 'client_streaming':
      throw new Error('no service of ours streams from the client alone');
  }
}

/**
 * The answer to a unary call, let go of as it is given. grpc-js keeps all that it was told with the call, and Node keeps the call
 * until the next full collection: with the answer in it, every scavenge copied all answers since.
 */
class Answer {
  #resolve: ((message: unknown) => void) | null;
  #reject: ((error: Error) => void) | null;
  #message: unknown = null;

  constructor(resolve: (message: unknown) => void, reject: (error: Error) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** grpc-js wants to be given something for a message. */
  keep(message: unknown): this {
    this.#message = message;
    return this;
  }

  give(error: ServiceError | null): void {
    if (error === null) this.#resolve?.(this.#message);
    else this.#reject?.(fromServiceError(error));
    // They refer to the promise, and so to what it became.
    this.#resolve = null;
    this.#reject = null;
    this.#message = null;
  }
}

async function send(
  call: ClientDuplexStream<unknown, unknown>,
  method: DescMethod,
  requests: AsyncIterable<Fields>,
): Promise<void> {
  try {
    for await (const request of requests) {
      if (!call.writable) return;
      if (!call.write(create(method.input, request))) await drained(call);
    }
    call.end();
  } catch {
    // Either the call failed, which its reader sees, or the source did: then nothing more can be sent.
    call.cancel();
  }
}

async function* responses(call: ClientReadableStream<unknown>): AsyncIterable<unknown> {
  try {
    yield* call;
  } catch (error) {
    throw 'code' in (error as object)
      ? fromServiceError(error as ServiceError)
      : new RpcError(Code.UNKNOWN, String(error));
  } finally {
    call.cancel();
  }
}

function cancelOn(
  signal: AbortSignal | undefined,
  call: { cancel(): void; once(event: string, run: () => void): unknown },
): void {
  if (signal === undefined) return;
  if (signal.aborted) return call.cancel();
  const cancel = (): void => call.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  call.once('status', () => signal.removeEventListener('abort', cancel));
}
