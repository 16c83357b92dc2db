/** SQLSTATE classes and codes that mean “not now”, whatever the statement was. */
const NOT_NOW = [
  /^08/, // connection exceptions
  /^53/, // out of connections, memory or disk
  /^57/, // shut down, starting up, cancelled by a time-out
  /^3D000$/, // the database is not there (yet)
  /^40/, // serialisation failures and deadlocks
  /^55P03$/, // a lock was not to be had in time
];
const SYSTEM = [
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
];
/** pg says these without a code. */
const PHRASES =
  /connection terminated|timeout exceeded when trying to connect|timeout expired|query read timeout|not queryable/i;

/** Whether the database is out of reach or busy, so that trying again later may help; else the statement is wrong. */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof AggregateError) return error.errors.some(isOutage);
  const code = (error as { code?: unknown }).code;
  if (typeof code !== 'string') return PHRASES.test(error.message);
  return SYSTEM.includes(code) || NOT_NOW.some((pattern) => pattern.test(code));
}

const UNDEFINED_TABLE = '42P01';
const UNDEFINED_SCHEMA = '3F000';

/** Whether the tables are not there (yet). */
export function isMissingTable(error: unknown): boolean {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return code === UNDEFINED_TABLE || code === UNDEFINED_SCHEMA;
}
