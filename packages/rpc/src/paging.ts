import { RpcError } from './errors.ts';

/** What every request for a list has. */
export interface PageRequest {
  /** 0: the default. */
  readonly pageSize: number;
  /** Empty: the first page. */
  readonly pageToken: string;
}

export interface PageSizes {
  readonly default: number;
  readonly max: number;
}

export interface Page<T> {
  readonly entries: T[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

/**
 * A page of a list whose ids fall from entry to entry, as those do that begin with the time of creation. The token is the
 * id that the page before ended with, so that what is added or removed meanwhile moves nothing.
 */
export function pageByIds<T>(
  { pageToken }: PageRequest,
  size: number,
  newestFirst: readonly T[],
  idOf: (entry: T) => string,
): Page<T> {
  const from = pageToken === '' ? 0 : newestFirst.findIndex((entry) => idOf(entry) < pageToken);
  const entries = from < 0 ? [] : newestFirst.slice(from, from + size);
  const last = entries.at(-1);
  const more = last !== undefined && from + entries.length < newestFirst.length;
  return { entries, nextPageToken: more ? idOf(last) : '' };
}

/** How many entries are asked for. @throws RpcError when they are too many, or the token is no id of the list */
export function pageSizeOf(
  { pageSize, pageToken }: PageRequest,
  sizes: PageSizes,
  isId: (token: string) => boolean,
): number {
  if (pageSize > sizes.max) {
    throw RpcError.invalid([{ field: 'page_size', code: 'TOO_LARGE', message: `must be at most ${sizes.max}` }]);
  }
  if (pageToken !== '' && !isId(pageToken)) {
    throw RpcError.invalid([{ field: 'page_token', code: 'INVALID_VALUE', message: 'is not from a previous page' }]);
  }
  return pageSize === 0 ? sizes.default : pageSize;
}
