import { randomBytes } from 'node:crypto';
import { createDatabase, dropDatabase } from '@grapnel/embedded/postgres-database';
import { inject } from 'vitest';
import './servers.ts';

/** The nats-server of this test run, with JetStream. */
export function natsUrl(): string {
  return inject('natsUrl');
}

/** The Postgres of this test run: its maintenance database, as superuser. Tables belong into {@link freshDatabase}. */
export function postgresUrl(): string {
  return inject('postgresUrl');
}

/** Names that no other test file uses on the shared nats-server. */
export interface TestPrefix {
  /** For stream, consumer and bucket names: `T1A2B3C_`. */
  readonly stream: string;
  /** For subjects: `t1a2b3c.`. */
  readonly subject: string;
}

export function testPrefix(): TestPrefix {
  const id = `t${randomBytes(5).toString('hex')}`;
  return { stream: `${id.toUpperCase()}_`, subject: `${id}.` };
}

export interface FreshDatabase extends AsyncDisposable {
  readonly url: string;
  readonly name: string;
  /** Drops it, ending connections that are still open. */
  dispose(): Promise<void>;
}

/** A new, empty database. */
export async function freshDatabase(): Promise<FreshDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  const server = postgresUrl();
  const url = await createDatabase(server, name);
  const dispose = (): Promise<void> => dropDatabase(server, name);
  return { url, name, dispose, [Symbol.asyncDispose]: dispose };
}
