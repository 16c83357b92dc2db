import { describe, expect, it } from 'vitest';
import { mapCall } from './map-call.ts';
import type { Mapped } from './trigger.ts';

const CALL = {
  headers: { 'x-request-id': 'r-1', date: 'today' },
  query: { query: [{ a: '1' }], page: '2' },
  body: { a: 1, b: { c: 0, d: '' }, rows: [{ name: 'x' }, { name: 'y' }] },
};
const plain = (...paths: string[]): Mapped[] => paths.map((path) => ({ path, alias: null }));
const MAX = 1_000;
const NONE = { headers: [], query: [], body: [] };

describe('the variables of a call', () => {
  it('NB-04 have the listed headers as strings, whatever their case', () => {
    const headers = [...plain('X-REQUEST-ID'), { path: 'Date', alias: 'sent' }, ...plain('X-Missing')];
    expect(mapCall({ ...NONE, headers }, CALL, MAX)?.headers).toEqual({
      'X-REQUEST-ID': 'r-1',
      sent: 'today',
      'X-Missing': '',
    });
  });

  it('NB-05 have mapped paths at their own place, and aliases at the top', () => {
    const query = [...plain('page'), { path: 'query[0].a', alias: 'first' }, { path: 'none', alias: 'missing' }];
    expect(mapCall({ ...NONE, query }, CALL, MAX)?.query).toEqual({ page: '2', first: '1', missing: null });
    expect(mapCall({ ...NONE, query: plain('query[0].a') }, CALL, MAX)?.query).toEqual({ query: [{ a: '1' }] });
  });

  it('NB-06 have the whole body where none of it is mapped, and only what is mapped otherwise', () => {
    expect(mapCall(NONE, CALL, MAX)).toEqual({ headers: {}, query: {}, body: CALL.body });
    const body = [...plain('b.c', 'b.d'), { path: 'rows[].name', alias: 'names' }];
    expect(mapCall({ ...NONE, body }, CALL, MAX)?.body).toEqual({ b: { c: 0, d: '' }, names: ['x', 'y'] });
    expect(mapCall({ ...NONE, body: plain('x') }, { ...CALL, body: [1, 2] }, MAX)?.body).toEqual({});
  });

  it('NB-04 have nothing of a header that nobody sent, whatever its name', () => {
    const headers = plain('constructor', '__proto__');
    expect(mapCall({ ...NONE, headers }, CALL, MAX)?.headers.constructor).toBe('');
  });

  it('NB-05 are refused when aliases repeat more than there is room for', () => {
    const body = Array.from({ length: 100 }, (_, n) => ({ path: 'rows', alias: `rows_${n}` }));
    expect(mapCall({ ...NONE, body: body.slice(0, 30) }, CALL, MAX)).not.toBeNull();
    expect(mapCall({ ...NONE, body }, CALL, MAX)).toBeNull();
  });
});
