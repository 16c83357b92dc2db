import { describe, expect, it } from 'vitest';
import { parseSample } from './parse-sample.ts';

const pathsOf = (sample: string): string[] => {
  const parsed = parseSample(sample);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value.paths;
};

describe('a pasted sample', () => {
  it.each([
    ['http://localhost:13000/api/webhook:trigger/1hfmkioou0d?query=1', ['query']],
    ['https://example.com/?query[]=1&query[]=2', ['query', 'query[0]', 'query[1]']],
    ['query[0][a]=1&query[0][b]=2', ['query', 'query[0]', 'query[0].a', 'query[0].b']],
    ['  {"a":1,"b":{"c":2}}\n', ['a', 'b', 'b.c']],
    ['[{"id":1},{"name":"x"}]', ['[].id', '[].name']],
    ['https://example.com/a=b', []],
    ['__proto__[x]=1&constructor=2', []],
  ])('NB-05 %s', (sample, paths) => {
    expect(pathsOf(sample)).toEqual(paths);
  });

  it('NB-05 says what is wrong with JSON that is none', () => {
    expect(parseSample('{"a"')).toEqual({ ok: false, error: expect.stringContaining('is not valid JSON') });
  });
});
