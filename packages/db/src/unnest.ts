import { type RawBuilder, sql } from 'kysely';

/** One column of many rows: its name, its Postgres type, and where a row keeps it. */
export interface Column<Row> {
  readonly name: string;
  readonly type: 'text' | 'bigint' | 'integer' | 'smallint' | 'boolean' | 'json';
  of(row: Row): string | number | boolean | null;
}

/** `unnest($1::text[], $2::bigint[], …)`: any number of rows in one statement with one parameter for each column. */
export function unnest<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): RawBuilder<unknown> {
  const arrays = columns.map((column) => sql`${rows.map((row) => column.of(row))}::${sql.raw(column.type)}[]`);
  return sql`unnest(${sql.join(arrays)})`;
}

/** The columns' names, quoted and with commas. */
export function namesOf<Row>(columns: readonly Column<Row>[]): RawBuilder<unknown> {
  return sql.join(columns.map(({ name }) => sql.id(name)));
}
