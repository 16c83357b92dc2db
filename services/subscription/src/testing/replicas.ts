import { type Topology, topology } from '@grapnel/contracts/topology';
import { systemClock } from '@grapnel/runtime/clock';
import { EnvReader } from '@grapnel/runtime/env';
import { silentLogger } from '@grapnel/runtime/logger';
import { readStreamConfig } from '@grapnel/stream/config';
import { openStreams } from '@grapnel/stream/open';
import type { EventStreams } from '@grapnel/stream/ports';
import { DEFAULT_PROVISION, provision } from '@grapnel/stream/provision';
import { natsUrl, testPrefix } from '@grapnel/testkit/infra';
import { Directory } from '../directory.ts';

/** Streams of one test, and directories that follow them as those of replicas do. */
export class Replicas implements AsyncDisposable {
  readonly streams: EventStreams;
  readonly names: Topology;
  readonly #stack: AsyncDisposableStack;

  private constructor(stack: AsyncDisposableStack, streams: EventStreams, names: Topology) {
    this.#stack = stack;
    this.streams = streams;
    this.names = names;
  }

  static async start(): Promise<Replicas> {
    await using stack = new AsyncDisposableStack();
    const prefix = testPrefix();
    const names = topology(prefix, 1);
    const env = { NATS_URL: natsUrl(), GRAPNEL_STREAM_PREFIX: prefix.stream, GRAPNEL_SUBJECT_PREFIX: prefix.subject };
    const config = readStreamConfig(new EnvReader(env));
    const open = stack.use(await openStreams(config, 'replicas', systemClock, silentLogger));
    await provision(open.connections.publishing, names, DEFAULT_PROVISION);
    return new Replicas(stack.move(), open.streams, names);
  }

  /** A replica's memory; it hears of nothing more once `leave` is called. */
  async join(): Promise<{ readonly directory: Directory; readonly leave: () => Promise<void> }> {
    const directory = new Directory(this.streams, this.names, silentLogger);
    const stop = new AbortController();
    const following = directory.follow(stop.signal);
    const leave = async (): Promise<void> => {
      stop.abort();
      await following;
    };
    this.#stack.defer(leave);
    await directory.caughtUp();
    return { directory, leave };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}
