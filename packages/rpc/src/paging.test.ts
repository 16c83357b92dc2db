import { describe, expect, it } from 'vitest';
import { pageByIds, pageSizeOf } from './paging.ts';

const LIST = ['e', 'd', 'b', 'a'];
const page = (pageToken: string, size: number) => pageByIds({ pageSize: size, pageToken }, size, LIST, (id) => id);
const SIZES = { default: 2, max: 3 };

describe('pages', () => {
  it('go on after the id they ended with, also when that is gone', () => {
    expect(page('', 2)).toEqual({ entries: ['e', 'd'], nextPageToken: 'd' });
    expect(page('c', 1)).toEqual({ entries: ['b'], nextPageToken: 'b' });
    expect(page('d', 2)).toEqual({ entries: ['b', 'a'], nextPageToken: '' });
    expect(page('a', 2)).toEqual({ entries: [], nextPageToken: '' });
  });

  it('have the default size, and refuse more than the most and foreign tokens', () => {
    const sizeOf = (pageSize: number, pageToken = '') =>
      pageSizeOf({ pageSize, pageToken }, SIZES, (id) => LIST.includes(id));
    expect([sizeOf(0), sizeOf(3), sizeOf(1, 'b')]).toEqual([2, 3, 1]);
    expect(() => sizeOf(4)).toThrow('page_size must be at most 3');
    expect(() => sizeOf(1, 'x')).toThrow('page_token is not from a previous page');
  });
});
