import type { Migration } from 'kysely/migration';
import { history } from './2026-11-23T00-history.ts';
import { types } from './2026-11-27T00-types.ts';
import { statistics } from './2026-11-27T01-statistics.ts';
import { coveredTotals } from './2026-11-27T02-covered-totals.ts';
import { typesApart } from './2026-11-28T00-types-apart.ts';

/** In the order in which they run; a name is never changed. */
export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '2026-11-23T00-history': history,
  '2026-11-27T00-types': types,
  '2026-11-27T01-statistics': statistics,
  '2026-11-27T02-covered-totals': coveredTotals,
  '2026-11-28T00-types-apart': typesApart,
};
