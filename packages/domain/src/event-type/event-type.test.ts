import { describe, expect, it } from 'vitest';
import { CATALOGUE, isSubscribable } from '../catalogue.ts';
import { DEPLOYMENT, isTenantId } from '../ids.ts';
import { type Definition, decide, evolve, type RegisteredType } from './event-type.ts';
import { sampleOf } from './samples.ts';

const INVOICE: Definition = {
  name: 'invoice.paid',
  category: 'invoice',
  description: 'An invoice was paid.',
  schema: null,
  example: { number: 'INV-1' },
};
const check = () => [];

function defined(definition: Definition, state: RegisteredType | null = null, at = 1): RegisteredType {
  const decided = decide(state, { type: 'define', at, definition, check });
  if (!decided.ok || decided.value === null) throw new Error('nothing was defined');
  return evolve(state, decided.value);
}

function fieldsOf(definition: Partial<Definition>): string[] {
  const decided = decide(null, { type: 'define', at: 1, definition: { ...INVOICE, ...definition }, check });
  return !decided.ok && decided.error.kind === 'invalid' ? decided.error.violations.map(({ field }) => field) : [];
}

describe('AC-09 event types of operators', () => {
  it('AC-09 has a version that grows with every change, and with nothing else', () => {
    const first = defined(INVOICE);
    expect(first).toMatchObject({ version: 1, archived: false, createdAt: 1 });
    const again = decide(first, { type: 'define', at: 2, definition: { ...INVOICE }, check });
    expect(again).toEqual({ ok: true, value: null });
    const second = defined({ ...INVOICE, schema: '{}' }, first, 3);
    expect(second).toMatchObject({ version: 2, schema: '{}', createdAt: 1, updatedAt: 3 });
    const archived = evolve(second, { type: 'archived', at: 4 });
    expect(archived).toMatchObject({ version: 3, archived: true });
    expect(decide(archived, { type: 'archive', at: 5 })).toEqual({ ok: true, value: null });
    expect(evolve(archived, { type: 'restored', at: 5 })).toMatchObject({ version: 4, archived: false });
    expect(decide(null, { type: 'archive', at: 5 })).toEqual({ ok: false, error: { kind: 'not_found' } });
  });

  it.each(['invoice', 'invoice.', '.paid', 'invoice paid', '1nvoice.paid', 'in-voice.paid', `a.${'b'.repeat(127)}`])(
    'AC-09 refuses the name %s',
    (name) => {
      expect(fieldsOf({ name })).toEqual(['name']);
    },
  );

  it('AC-09 leaves the built-in types and what is the platform’s own alone', () => {
    expect(fieldsOf({ name: 'crawl.page' })).toEqual(['name']);
    expect(fieldsOf({ category: 'operational' })).toEqual(['category']);
    expect(fieldsOf({ name: 'crawl.robots' })).toEqual([]);
  });

  it('AC-09 bounds everything', () => {
    const big = 'x'.repeat(65_537);
    const wrong = fieldsOf({ category: 'c'.repeat(65), description: 'd'.repeat(1_001), schema: big, example: big });
    expect(wrong).toEqual(['category', 'description', 'schema', 'example']);
  });

  it('AC-09 lets webhooks subscribe to types and families that are known, whoever made them', () => {
    const types = {
      has: (type: string) => type === 'invoice.paid',
      hasFamily: (family: string) => family === 'invoice',
    };
    for (const pattern of ['invoice.paid', 'invoice.*', '*']) expect(isSubscribable(pattern, types)).toBe(true);
    for (const pattern of ['invoice.sent', 'bill.*']) expect(isSubscribable(pattern, types)).toBe(false);
    expect(isSubscribable('invoice.paid')).toBe(false);
  });

  it('belongs to nobody who could have a key', () => {
    expect(isTenantId(DEPLOYMENT)).toBe(false);
  });

  it('AC-21 every built-in type has an example', () => {
    for (const { name } of CATALOGUE) expect([name, sampleOf(name)]).not.toEqual([name, null]);
    const fields = (name: string) => Object.keys(sampleOf(name) as object);
    expect(fields('scrape.completed')).toEqual([
      ...['job_id', 'status', 'url', 'total', 'completed', 'failed', 'credits_used', 'created_at', 'completed_at'],
    ]);
    expect(fields('task.executed')).toEqual([
      ...['task_id', 'task_name', 'execution_id', 'execution_number', 'status', 'job_id', 'credits_used'],
      ...['scheduled_for', 'completed_at'],
    ]);
  });
});
