import { createHmac } from 'node:crypto';
import { TriggerDirectoryService } from '@grapnel/contracts/gen/grapnel/subscription/v1/trigger_pb';
import { triggerMessage } from '@grapnel/contracts/trigger-codec';
import type { Entropy } from '@grapnel/domain/ids';
import { type KeyRing, open } from '@grapnel/domain/security/keyring';
import { passwordOwner, type Trigger, type TriggerState } from '@grapnel/domain/trigger/trigger';
import { type Registration, register } from '@grapnel/rpc/server';
import type { Logger } from '@grapnel/runtime/logger';
import type { Directory } from '../directory.ts';
import { recordFeed } from '../record-feed.ts';

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
      for await (const feed of recordFeed(directory, 'trigger', signal)) {
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
