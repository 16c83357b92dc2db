import { visible } from '../visible.ts';

/** Lines of a table whose columns are as wide as what is in them. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const shown = rows.map((row) => row.map(visible));
  const widths = heads.map((head, n) => Math.max(head.length, ...shown.map((row) => row[n]?.length ?? 0)));
  return [heads, ...shown].map((row) =>
    row
      .map((cell, n) => cell.padEnd(widths[n] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** `2026-01-27 10:00:00Z`; `–` for what has not happened. */
export function shortTime(iso: string | null | undefined): string {
  return iso === null || iso === undefined ? '–' : `${iso.slice(0, 19).replace('T', ' ')}Z`;
}

/** A response as it came, indented. */
export const json = (value: unknown): string => JSON.stringify(value, null, 2);
