import type { EnvReader } from '@grapnel/runtime/env';

export interface DatabaseConfig {
  /** With the password inside: never logged. */
  readonly url: string;
  /** Connections for answering queries; the writer has one of its own beside them. */
  readonly maxConnections: number;
  /** The server ends a statement that takes longer. */
  readonly statementTimeoutMs: number;
}

export function readDatabaseConfig(env: EnvReader): DatabaseConfig {
  return {
    url: env.text('DATABASE_URL'),
    maxConnections: env.integer('DATABASE_MAX_CONNECTIONS', 8, { min: 1, max: 100 }),
    statementTimeoutMs: env.integer('DATABASE_STATEMENT_TIMEOUT_MS', 10_000, { min: 100, max: 600_000 }),
  };
}
