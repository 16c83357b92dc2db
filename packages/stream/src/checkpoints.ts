import { decodeText } from '@grapnel/contracts/message';
import { JetStreamApiError } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/nats-core';
import type { Checkpoints } from './ports.ts';

const WRONG_LAST_SEQUENCE = 10_071;

/** {@link Checkpoints} in a key-value bucket; its revisions are the fence between replicas. */
export async function openCheckpoints(connection: NatsConnection, bucket: string): Promise<Checkpoints> {
  const kv = await new Kvm(connection).open(bucket);
  return {
    async load(name) {
      const entry = await kv.get(name);
      if (entry === null) return null;
      // When somebody deleted it, the next revision follows that of the deletion.
      const value = entry.operation === 'PUT' ? Number(decodeText(entry.value)) : null;
      return { value, revision: entry.revision };
    },
    async save(name, value, revision) {
      try {
        return await kv.put(name, String(value), { previousSeq: revision });
      } catch (error) {
        if (error instanceof JetStreamApiError && error.code === WRONG_LAST_SEQUENCE) return null;
        throw error;
      }
    },
  };
}
