import { describe, expect, it } from 'vitest';
import { Allowance } from './budget.ts';
import { Conditions } from './conditions.ts';
import { compileExpression, evaluate } from './expression.ts';

const VARIABLES = ['type', 'tags', 'data'];
const ABOUT = {
  type: 'crawl.page',
  tags: ['a', 'b'],
  data: {
    n: 200,
    f: 2.5,
    title: 'Hello',
    none: null,
    items: [
      { price: 3, tags: ['x'] },
      { price: 1, tags: [] },
    ],
  },
};

function ask(text: string): unknown {
  const compiled = compileExpression(text, VARIABLES);
  if (!compiled.ok) throw new Error(compiled.error);
  const value = evaluate(compiled.value, ABOUT);
  return value.ok ? value.value : new Error(value.error);
}

describe('expressions', () => {
  const cases: [string, unknown][] = [
    ['data.n == 200', true],
    ['data.n >= 200 && data.f < 3', true],
    ['data.n in [200, 201]', true],
    ['"a" in tags', true],
    ['type.startsWith("crawl.")', true],
    ['data.title.matches("^H.*o$")', true],
    ['data.none == null', true],
    ['has(data.missing)', false],
    ['data.items.exists(i, i.price > 2)', true],
    ['data.items.all(i, i.tags.all(t, t == "x"))', true],
    ['data.items.map(i, i.price)', [3, 1]],
    ['size(data.items)', 2],
  ];
  it.each(cases)('%s', (text, expected) => {
    expect(ask(text)).toEqual(expected);
  });

  it('say what is missing instead of guessing', () => {
    expect(ask('data.missing == 1')).toBeInstanceOf(Error);
    expect(ask('data.constructor == 1')).toBeInstanceOf(Error);
    expect(ask('data.__proto__ == 1')).toBeInstanceOf(Error);
  });

  it('cost a bounded time, however large the data and however they are written', () => {
    const data = { n: Array.from({ length: 200_000 }, () => 1), s: 'x'.repeat(500_000) };
    const costOf = (text: string) => {
      const compiled = compileExpression(text, ['data']);
      return compiled.ok ? evaluate(compiled.value, { data }) : compiled;
    };
    const expensive = { ok: false, error: 'costs too much for data of this size' };
    expect(costOf('data.n.all(x, !data.s.matches("y"))')).toEqual(expensive);
    expect(costOf('data.n.all(x, x > 0)')).toEqual(expensive);
    expect(costOf('data.n.all(x, x > 0) || true')).toEqual(expensive);
    expect(costOf(Array.from({ length: 60 }, () => '!data.s.matches("y+z")').join(' && '))).toEqual(expensive);
    for (const pattern of ['x{1000}'.repeat(100), '(?:(?:ab){30}){30}'.repeat(20), '\\\\pL'.repeat(200)]) {
      expect(costOf(`data.s.matches("${pattern}")`)).toEqual(expensive);
    }
    expect(costOf('data.s.matches(data.s)')).toEqual(expensive);
    expect(costOf('"2026-01-27".matches("^[0-9]{4}-[0-9]{2}-[0-9]{2}$")')).toEqual({ ok: true, value: true });
    expect(costOf('data.s.matches("x+") && size(data.n) == 200000 && data.n[7] == 1')).toEqual({
      ok: true,
      value: true,
    });
  });

  it('cost a bounded time together, over the same data', () => {
    const data = { n: Array.from({ length: 5_000 }, () => 1), s: 'x'.repeat(500_000) };
    const conditions = new Conditions(['data'], 100);
    const asked = (units: number): string[] => {
      const allowance = new Allowance({ data }, units);
      return Array.from({ length: 12 }, (_, n) => `data.n.all(x, x < ${n}.5)`).map((text) => {
        const answer = conditions.ask(text, { data }, allowance);
        return answer.ok ? String(answer.value) : answer.error.slice(0, 13);
      });
    };
    const first = asked(20_000_000);
    expect(first.every((answer) => answer === 'true' || answer === 'false')).toBe(true);
    const few = asked(1_000_000);
    const end = few.indexOf('was not asked');
    expect(end).toBeGreaterThan(1);
    expect(few.slice(0, end)).toEqual(first.slice(0, end));
    expect(new Set(few.slice(end))).toEqual(new Set(['was not asked']));
    // Again, with everything compiled.
    expect(asked(1_000_000)).toEqual(few);
  });

  const refused: [string, string][] = [
    ['', 'must not be empty'],
    ['data.n ==', 'not a valid expression'],
    ['other.n == 1', 'speaks of other; it may speak of type, tags, data'],
    ['data.items.all(i, data.items.all(j, i == j))', 'a loop inside a loop'],
    [`"${'x'.repeat(2_000)}" == type`, 'at most 2000 characters'],
  ];
  it.each(refused)('refuse %s', (text, why) => {
    expect(compileExpression(text, VARIABLES)).toMatchObject({ ok: false, error: expect.stringContaining(why) });
  });
});
