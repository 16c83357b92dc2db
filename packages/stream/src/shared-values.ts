import { decodeText, encodeJson } from '@grapnel/contracts/message';
import type { Logger } from '@grapnel/runtime/logger';
import { Kvm } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/nats-core';
import type { SharedValues } from './ports.ts';

/** {@link SharedValues} in a key-value bucket. Without the store this process goes on with what it knows. */
export async function openSharedValues<V>(
  connection: NatsConnection,
  bucket: string,
  logger: Logger,
): Promise<SharedValues<V> & AsyncDisposable> {
  const kv = await new Kvm(connection).open(bucket);
  const values = new Map<string, V>();
  const loaded = Promise.withResolvers<void>();
  const watch = await kv.watch();
  if ((await kv.status()).values === 0) loaded.resolve();
  const following = (async () => {
    for await (const entry of watch) {
      if (entry.operation === 'PUT') values.set(entry.key, JSON.parse(decodeText(entry.value)) as V);
      else values.delete(entry.key);
      if (entry.delta === 0) loaded.resolve();
    }
  })();
  await loaded.promise;
  const failed = (error: unknown): void => logger.warn({ err: error, bucket }, 'a shared value was not stored');
  return {
    get: (key) => values.get(key) ?? null,
    put(key, value) {
      values.set(key, value);
      kv.put(key, encodeJson(value)).catch(failed);
    },
    delete(key) {
      if (values.delete(key)) kv.delete(key).catch(failed);
    },
    async [Symbol.asyncDispose]() {
      watch.stop();
      await following.catch(() => {});
    },
  };
}
