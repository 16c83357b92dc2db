/** Machine-readable kind of a {@link Violation}; the same words at every edge. */
export type ViolationCode =
  | 'REQUIRED'
  | 'INVALID_TYPE'
  | 'INVALID_VALUE'
  | 'TOO_SHORT'
  | 'TOO_LONG'
  | 'TOO_SMALL'
  | 'TOO_LARGE'
  | 'UNKNOWN_FIELD'
  | 'FORBIDDEN_ADDRESS';

/** One thing wrong with one field of a request: names the field and what is allowed. */
export interface Violation {
  /** Path in the caller's own spelling, e.g. `events[3].type`. */
  readonly field: string;
  readonly message: string;
  readonly code: ViolationCode;
}

export function violation(field: string, code: ViolationCode, message: string): Violation {
  return { field, code, message };
}
