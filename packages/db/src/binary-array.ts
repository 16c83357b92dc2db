/** The types of columns that can be written. */
export type ColumnType = 'text' | 'bigint' | 'integer' | 'smallint' | 'boolean' | 'json';
export type Value = string | number | boolean | null;

/** From Postgres' `pg_type.dat`. */
const OID: Readonly<Record<ColumnType, number>> = {
  boolean: 16,
  bigint: 20,
  smallint: 21,
  integer: 23,
  text: 25,
  json: 114,
};
/** Dimensions, flags, type; then length and lower bound of the one dimension. */
const HEAD = 20;
const LENGTH = 4;
/** Bytes of a value that is not text. */
const FIXED = { bigint: 8, integer: 4, smallint: 2, boolean: 1 } as const;
/** A UTF-16 unit is at most so many bytes of UTF-8. */
const UTF8 = 3;
const NULL = -1;
const WORD = 2 ** 32;

/**
 * An array as Postgres sends and takes it in binary: no quoting, and no numbers to write and read as text, which both
 * sides spend more on than on the rest of a statement.
 * @throws TypeError where a value is not of the type
 */
export function binaryArray(type: ColumnType, values: readonly Value[]): Buffer {
  const isText = type === 'text' || type === 'json';
  const bytes = Buffer.allocUnsafe(HEAD + (isText ? textBound(values) : values.length * (LENGTH + FIXED[type])));
  bytes.writeInt32BE(1, 0);
  bytes.writeInt32BE(values.includes(null) ? 1 : 0, 4);
  bytes.writeInt32BE(OID[type], 8);
  bytes.writeInt32BE(values.length, 12);
  bytes.writeInt32BE(1, 16);
  let at = HEAD;
  for (const value of values) {
    if (value === null) at = bytes.writeInt32BE(NULL, at);
    else at = isText ? writeText(bytes, value, at) : writeFixed(bytes, type, value, at);
  }
  return bytes.subarray(0, at);
}

function textBound(values: readonly Value[]): number {
  let bound = 0;
  for (const value of values) bound += LENGTH + (typeof value === 'string' ? value.length * UTF8 : 0);
  return bound;
}

function writeText(bytes: Buffer, value: Value, at: number): number {
  if (typeof value !== 'string') throw new TypeError(`${String(value)} is not text`);
  const written = bytes.write(value, at + LENGTH);
  bytes.writeInt32BE(written, at);
  return at + LENGTH + written;
}

function writeFixed(bytes: Buffer, type: keyof typeof FIXED, value: Value, at: number): number {
  const start = bytes.writeInt32BE(FIXED[type], at);
  if (type === 'boolean') {
    if (typeof value !== 'boolean') throw new TypeError(`${String(value)} is not a boolean`);
    return bytes.writeInt8(value ? 1 : 0, start);
  }
  if (!Number.isSafeInteger(value)) throw new TypeError(`${String(value)} is not an integer`);
  const integer = value as number;
  if (type === 'smallint') return bytes.writeInt16BE(integer, start);
  if (type === 'integer') return bytes.writeInt32BE(integer, start);
  bytes.writeInt32BE(Math.floor(integer / WORD), start);
  return bytes.writeUInt32BE(integer >>> 0, start + LENGTH);
}
