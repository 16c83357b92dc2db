import { describe, expect, it } from 'vitest';
import { MAX_SAMPLE_PATHS, samplePaths } from './sample-paths.ts';

describe('the paths in a sample', () => {
  it('NB-05 lists every level of a body, parents first', () => {
    expect(samplePaths({ a: 1, b: { c: 2 } }, 'body')).toEqual(['a', 'b', 'b.c']);
  });

  it('NB-05 names what all elements of a list have, once', () => {
    const rows = [
      { name: 'x', tags: ['t'] },
      { name: 'y', extra: { z: 1 } },
    ];
    expect(samplePaths({ rows }, 'body')).toEqual([
      'rows',
      'rows[].name',
      'rows[].tags',
      'rows[].extra',
      'rows[].extra.z',
    ]);
    expect(samplePaths([{ id: 1 }], 'body')).toEqual(['[].id']);
  });

  it('NB-05 numbers the elements of a query', () => {
    expect(samplePaths({ query: [{ a: '1' }], page: '2' }, 'query')).toEqual([
      'query',
      'query[0]',
      'query[0].a',
      'page',
    ]);
  });

  it('quotes names that look like paths, and has none for what has no parts', () => {
    expect(samplePaths({ 'a.b': { 'c[0]': 1 } }, 'body')).toEqual(['["a.b"]', '["a.b"]["c[0]"]']);
    expect(samplePaths(7, 'body')).toEqual([]);
  });

  it('ends at its bounds', () => {
    const wide = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`k${i}`, i]));
    expect(samplePaths(wide, 'body')).toHaveLength(MAX_SAMPLE_PATHS);
  });
});
