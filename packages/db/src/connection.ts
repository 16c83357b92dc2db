import { type ClientConfig, TypeOverrides, types } from 'pg';

export interface ConnectionOptions {
  readonly url: string;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string;
  readonly statementTimeoutMs: number;
}

/**
 * Every `bigint` of ours is a time in milliseconds, a count or a stream position, all below 2^53, so it is read as a
 * number; one that is not would be a bug and throws.
 */
const numbers = new TypeOverrides();
numbers.setTypeParser(types.builtins.INT8, safeInteger);

export function connectionConfig({ url, applicationName, statementTimeoutMs }: ConnectionOptions): ClientConfig {
  return {
    connectionString: url,
    application_name: applicationName,
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: 60_000,
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types: numbers,
  };
}

function safeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new Error(`${text} does not fit into a number`);
  return value;
}
