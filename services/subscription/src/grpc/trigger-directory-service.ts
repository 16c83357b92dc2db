import { createHmac } from 'node:crypto';
import { TriggerDirectoryService } from '@grapnel/contracts/gen/grapnel/subscription/v1/trigger_pb';
import { triggerMessage } from '@grapnel/contracts/trigger-codec';
import type { Entropy, TenantId } from '@grapnel/domain/ids';
import { type KeyRing, open } from '@grapnel/domain/security/keyring';
import { passwordOwner, type Trigger, type TriggerState } from '@grapnel/domain/trigger/trigger';
import { type Registration, register } from '@grapnel/rpc/server';
import type { Logger } from '@grapnel/runtime/logger';
import type { Directory } from '../directory.ts';

export interface TriggerDirectoryContext {
  readonly directory: Directory;
  readonly keyRing: KeyRing;
  readonly entropy: Entropy;
  readonly logger: Logger;
}

const SALT_BYTES = 16;

/** Triggers for the HTTP edges, which go on with what they know while this service is away. */
export function triggerDirectoryService(context: TriggerDirectoryContext): Registration {
  const { directory, entropy } = context;
  return register(TriggerDirectoryService, 'service', {
    async *watchTriggers(_request, { signal }) {
      const records = directory.records<TriggerState>('trigger');
      const salt = entropy(SALT_BYTES);
      for await (const feed of triggerFeed(directory, signal)) {
        if (feed.kind === 'complete') {
          yield { change: { case: 'snapshotDone', value: { revision: BigInt(feed.position) } } };
          continue;
        }
        const record = records.find(feed.tenant, feed.id);
        if (record === null) continue;
        const { state, revision } = record;
        if (state.kind === 'deleted') {
          yield { change: { case: 'deleted', value: { triggerId: state.id, revision: BigInt(revision) } } };
          continue;
        }
        const { trigger } = state;
        const credentials = credentialsOf(trigger, context, salt);
        const value = {
          trigger: triggerMessage(trigger, revision),
          ...(credentials === null ? {} : { credentials }),
        };
        yield { change: { case: 'changed', value } };
      }
    },
  });
}

/** One password that cannot be opened must not keep all triggers from the edges: without credentials nobody is admitted. */
function credentialsOf(
  { id, config: { auth } }: Trigger,
  { keyRing, logger }: TriggerDirectoryContext,
  salt: Uint8Array,
) {
  if (auth === null) return null;
  try {
    const password = open(keyRing, passwordOwner(id), auth.sealedPassword);
    return { salt, digest: createHmac('sha256', salt).update(`${auth.username}:${password}`).digest() };
  } catch (error) {
    logger.error({ err: error, trigger: id }, 'the password of a trigger cannot be opened; it admits nobody');
    return null;
  }
}

type TriggerFeed =
  | { readonly kind: 'trigger'; readonly tenant: TenantId; readonly id: string }
  /** Everything that was there has been told. */
  | { readonly kind: 'complete'; readonly position: number };

/** All triggers, then every change until `signal` aborts; changes of one run together while the watcher is slow. */
async function* triggerFeed(directory: Directory, signal: AbortSignal): AsyncIterable<TriggerFeed> {
  const changed = new Map<string, TenantId>();
  let wake = (): void => {};
  const stop = directory.listen((change) => {
    if (change.kind !== 'record' || change.of !== 'trigger') return;
    changed.set(change.id, change.tenant);
    wake();
  });
  const onAbort = (): void => wake();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    for (const { id, tenant } of directory.records('trigger').all()) changed.set(id, tenant);
    const { position } = directory;
    let complete = false;
    while (!signal.aborted) {
      for (const [id, tenant] of changed) {
        changed.delete(id);
        yield { kind: 'trigger', tenant, id };
      }
      if (!complete) {
        complete = true;
        yield { kind: 'complete', position };
      } else if (changed.size === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    stop();
    signal.removeEventListener('abort', onAbort);
  }
}
