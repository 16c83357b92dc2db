import { type RawBuilder, sql } from 'kysely';
import { binaryArray, type ColumnType, type Value } from './binary-array.ts';

/** One column of many rows: its name, its Postgres type, and where a row keeps it. */
export interface Column<Row> {
  readonly name: string;
  readonly type: ColumnType;
  of(row: Row): Value;
}

/**
 * `(SELECT unnest($1::text[]), unnest($2::bigint[]), …)`: any number of rows in one statement with one parameter for each
 * column. As a function in FROM, Postgres would first put all of them into a store of its own, and read them from there.
 */
export function unnest<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): RawBuilder<unknown> {
  const arrays = columns.map((column) => {
    const values = rows.map((row) => column.of(row));
    return sql`unnest(${binaryArray(column.type, values)}::${sql.raw(column.type)}[])`;
  });
  return sql`(SELECT ${sql.join(arrays)}) AS given`;
}

/** The columns' names, quoted and with commas. */
export function namesOf<Row>(columns: readonly Column<Row>[]): RawBuilder<unknown> {
  return sql.join(columns.map(({ name }) => sql.id(name)));
}
