import { partitionOf } from '@grapnel/domain/partition';
import type { Replay } from '@grapnel/domain/replay/replay';
import { openChannel } from '@grapnel/rpc/client';
import type { RpcConfig } from '@grapnel/rpc/config';
import { type RunnerContext, runReplays } from './replay-runner.ts';
import { rpcDispatchers, rpcHistory } from './rpc-backends.ts';

export interface ReplayAddresses {
  readonly query: string | null;
  readonly delivery: string | null;
  readonly rpc: RpcConfig;
}

/**
 * Starts working on bulk replays until `signal` aborts; `null` where the deployment has not said where history and
 * dispatchers are. Channels connect with the first call, so nobody waits for anybody at the start.
 */
export function openReplays(
  { query, delivery, rpc }: ReplayAddresses,
  context: Omit<RunnerContext, 'history' | 'dispatchers' | 'backlog'>,
  stack: { use<T extends Disposable>(resource: T): T },
  signal: AbortSignal,
): Promise<void> | null {
  if (query === null || delivery === null) return null;
  const toServices = { token: rpc.serviceToken, tls: rpc.tls };
  const { streams, names } = context;
  const backlog = async ({ webhookId }: Replay): Promise<number> => {
    const durable = names.consumers.bulk(partitionOf(webhookId, names.partitions));
    const { pending, ackPending } = await streams.lag(names.streams.retries, durable);
    return pending + ackPending;
  };
  const history = rpcHistory(stack.use(openChannel({ ...toServices, address: query })));
  const dispatchers = rpcDispatchers(stack.use(openChannel({ ...toServices, address: delivery })));
  return runReplays({ ...context, history, dispatchers, backlog }, signal);
}
