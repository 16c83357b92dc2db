import { Client } from 'pg';

const DUPLICATE_DATABASE = '42P04';
/** Two CREATE DATABASE of one name at once collide in the catalogue's index instead. */
const UNIQUE_VIOLATION = '23505';

/** Creates a database unless it is there; returns its URL. `url` must be a superuser's, of any other database. */
export async function createDatabase(url: string, name: string): Promise<string> {
  await run(url, `CREATE DATABASE ${quoted(name)}`, [DUPLICATE_DATABASE, UNIQUE_VIOLATION]);
  const created = new URL(url);
  created.pathname = `/${encodeURIComponent(name)}`;
  return created.href;
}

/** Drops a database and ends whoever is connected to it. */
export async function dropDatabase(url: string, name: string): Promise<void> {
  await run(url, `DROP DATABASE IF EXISTS ${quoted(name)} WITH (FORCE)`, []);
}

async function run(url: string, sql: string, accepted: readonly string[]): Promise<void> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
  });
  await client.connect();
  try {
    await client.query(sql);
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code === undefined || !accepted.includes(code)) throw error;
  } finally {
    await client.end();
  }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
