import { describe, expect, it } from 'vitest';
import { formatPath, parsePath, pruned, valueAt } from './path.ts';

function pathOf(text: string) {
  const path = parsePath(text);
  if (!path.ok) throw new Error(path.error);
  return path.value;
}

const ORDER = { id: 7, rows: [{ name: 'x', price: 1 }, { name: 'y' }], 'a.b': { deep: null } };

describe('paths', () => {
  it.each(['a', 'a.b', 'rows[].name', 'query[0].a', '[].id', '["a.b"].deep', 'X-Request-Id'])(
    '%s is read and written',
    (text) => {
      expect(formatPath(pathOf(text))).toBe(text);
    },
  );

  it.each(['', '.a', 'a.', 'a..b', 'a.[0]', 'a[', 'a[x]', 'a]b', 'a[1000]', `a${'.b'.repeat(16)}`, 'x'.repeat(257)])(
    '%j is no path',
    (text) => {
      expect(parsePath(text).ok).toBe(false);
    },
  );

  it('lead to values, and never to what objects inherit', () => {
    expect(valueAt(ORDER, pathOf('rows[1].name'))).toBe('y');
    expect(valueAt(ORDER, pathOf('rows[].price'))).toEqual([1]);
    expect(valueAt(ORDER, pathOf('["a.b"].deep'))).toBeNull();
    expect(valueAt(ORDER, pathOf('rows.length'))).toBeUndefined();
    expect(valueAt(ORDER, pathOf('constructor'))).toBeUndefined();
    expect(valueAt(ORDER, pathOf('__proto__'))).toBeUndefined();
  });

  it('keep what they lead to at its place', () => {
    expect(pruned(ORDER, [pathOf('id'), pathOf('rows[].name')])).toEqual({
      id: 7,
      rows: [{ name: 'x' }, { name: 'y' }],
    });
    expect(pruned(ORDER, [pathOf('rows[1]')])).toEqual({ rows: [null, { name: 'y' }] });
    expect(pruned(ORDER, [pathOf('nothing.there')])).toBeUndefined();
    const hostile = JSON.parse('{"__proto__":{"admin":true}}');
    expect(Object.hasOwn(pruned(hostile, [pathOf('__proto__.admin')]) as object, '__proto__')).toBe(true);
  });
});
