import { type Kysely, sql } from 'kysely';
import type { Tables } from './tables.ts';

/** “Grapnel” in ASCII, as far as 32 bits go; the second key says what is locked. */
const GRAPNEL = 0x47726170;
const KEYS = { project: 1, rebuild: 2 } as const;

/** Takes a lock that lasts as long as the session; `false` when another session has it. */
export async function tryLock(db: Kysely<Tables>, what: keyof typeof KEYS): Promise<boolean> {
  const { rows } = await sql<{ taken: boolean }>`
    SELECT pg_try_advisory_lock(${GRAPNEL}::integer, ${KEYS[what]}::integer) AS taken`.execute(db);
  return rows[0]?.taken === true;
}
