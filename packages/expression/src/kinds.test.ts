import { describe, expect, it } from 'vitest';
import { conditionProblem } from './conditions.ts';

const problemOf = (text: string) => conditionProblem(text, ['type', 'tags', 'data']);

describe('a condition', () => {
  it.each([
    ['nofn(data)', 'calls nofn, which is no function here; it may call bool, bytes, contains'],
    ['data.title.lower() == "a"', 'calls lower, which is no function here'],
    ['has(data.n) && nofn(data)', 'calls nofn'],
    ['data.items.exists(i, nofn(i))', 'calls nofn'],
    ['matches(data.title, "x")', 'it takes string and string'],
    ['1 + 1', 'must come to true or false, and this comes to int'],
    ['"yes"', 'must come to true or false, and this comes to string'],
    ['null', 'comes to null'],
    ['size(data.items)', 'comes to int'],
    ['data.items.map(i, i.price)', 'comes to list'],
    ['data.n > 1 ? "a" : 2', 'comes to string or int'],
    ['data.a + data.b', 'must come to true or false'],
    ['data.n > 1 && 1', 'gives && int; it takes true or false'],
    ['!size(tags)', 'gives ! what it never takes (int); it takes bool'],
    ['1 ? true : false', 'gives ?: int'],
    ['data.items.all(i, "x")', 'gives && string'],
    ['data.n + 1 == 201', 'gives + what it never takes (a value of the data and int)'],
    ['1 < "a"', 'gives < what it never takes (int and string)'],
    ['timestamp(data.at)', 'comes to Timestamp'],
  ])('that can never be true is refused: %s', (text, why) => {
    expect(problemOf(text)).toContain(why);
  });

  it.each([
    'true',
    'data',
    'data.ok',
    'data.items[0].ok',
    '!data.ok && (data.n > 1 || has(data.x))',
    'data.n + 1.0 == 201.0',
    'size(data.items) + 1 == 3',
    'int(data.n) % 2 == 0',
    'data.n > 1 ? data.a : false',
    'data.items.exists_one(i, i.price > 2) || data.items.filter(i, i.ok).size() > 1',
    'data.items.all(i, i)',
    'data.items.map(i, i.price)[0] == 3',
    'type.startsWith("crawl.") && "a" in tags && data.title.matches("^H")',
    'type in ["a", "b"] && data.n in {1: true}',
    'timestamp(data.at) < timestamp("2030-01-01T00:00:00Z") + duration("1h")',
    'timestamp(data.at).getFullYear() == 2026',
    'type(data.n) == double || type(data.n) == int',
    'bool(data.text) || string(data.n) == "200" || -data.n == 2',
    'dyn(1) == 1 && dyn(data.ok)',
  ])('that may be true is taken: %s', (text) => {
    expect(problemOf(text)).toBeNull();
  });
});
