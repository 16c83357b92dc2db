import type { Clock, Timer } from '@grapnel/runtime/clock';
import type { Logger } from '@grapnel/runtime/logger';
import { Kvm } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/nats-core';
import type { Members } from './ports.ts';
import { MEMBER_TTL_MS } from './provision.ts';

const HEARTBEAT_MS = MEMBER_TTL_MS / 3;

/**
 * {@link Members} as heartbeats in a bucket whose entries expire. Expiry sends nothing, so every heartbeat also looks who
 * is left; a member that leaves in order deletes its entry, and a watch tells the others at once.
 */
export async function openMembers(
  connection: NatsConnection,
  bucket: string,
  clock: Clock,
  logger: Logger,
): Promise<Members> {
  const kv = await new Kvm(connection).open(bucket);
  return {
    async join(instance, changed) {
      let known = '';
      let timer: Timer | null = null;
      let left = false;
      const look = async (): Promise<void> => {
        const members: string[] = [];
        for await (const key of await kv.keys()) members.push(fromKey(key));
        // Our own entry may have expired during an outage; we are here all the same.
        if (!left && !members.includes(instance)) members.push(instance);
        members.sort();
        if (left || members.join('\n') === known) return;
        known = members.join('\n');
        changed(members);
      };
      const beat = async (): Promise<void> => {
        try {
          await kv.put(toKey(instance), String(clock.now()));
          await look();
        } catch (error) {
          logger.warn({ err: error }, 'a heartbeat was not stored');
        }
        if (!left) timer = clock.after(HEARTBEAT_MS, () => void beat());
      };
      await beat();
      const watch = await kv.watch();
      void (async () => {
        for await (const entry of watch) {
          if (entry.isUpdate && fromKey(entry.key) !== instance) await look().catch(() => {});
        }
      })();
      return {
        async [Symbol.asyncDispose]() {
          left = true;
          timer?.cancel();
          watch.stop();
          await kv.delete(toKey(instance)).catch(() => {});
        },
      };
    },
  };
}

// Keys allow fewer characters than host names and pod names may have.
const toKey = (instance: string): string => Buffer.from(instance).toString('base64url');
const fromKey = (key: string): string => Buffer.from(key, 'base64url').toString();
