import { describe, expect, it } from 'vitest';
import { decideTrigger, evolveTrigger } from './decide.ts';
import type { Step } from './steps.ts';
import type { TriggerChanges, TriggerState } from './trigger.ts';

const POLICY = {
  allowLocal: false,
  conditionProblem: (text: string) => (text === 'bad' ? 'is not a valid expression' : null),
};
const CREATE = {
  type: 'create',
  at: 1,
  id: 'trg_1',
  tenant: 'acme',
  token: 'secret',
  enabled: true,
  policy: POLICY,
} as const;

function faults(changes: TriggerChanges): string[] {
  const decided = decideTrigger(null, { ...CREATE, changes: { name: 'A', ...changes } });
  if (decided.ok) return [];
  return decided.error.kind === 'invalid' ? decided.error.violations.map(({ field }) => field) : [decided.error.kind];
}

const condition = (onTrue: string, label: string | null = null): Step => ({
  ...{ kind: 'condition', label, expression: 'ok', onTrue, onFalse: 'end' },
});
const callOut = (more: object): Step => ({
  ...{ kind: 'call_out', label: null, method: 'POST', url: 'https://example.com', headers: {}, body: null },
  ...{ timeoutSeconds: 5, onFailure: 'fail', ...more },
});

describe('what a trigger may be', () => {
  it('names every field that is wrong', () => {
    const path = (text: string, alias: string | null = null) => ({ path: text, alias });
    expect(faults({ name: '' })).toEqual(['name']);
    expect(faults({ auth: { username: 'a:b', sealedPassword: '' } })).toEqual(['basic_auth.username']);
    expect(
      faults({
        mapping: { headers: [path('X Y')], query: [path('a[')], body: [path('a', '1x'), path('b'), path('c', 'b')] },
      }),
    ).toEqual(['mapping.headers[0].path', 'mapping.query[0].path', 'mapping.body[0].alias', 'mapping.body[2]']);
    expect(faults({ response: { status: 100, headers: { Host: 'x' }, body: '' } })).toEqual([
      'response.status',
      'response.headers.Host',
    ]);
    expect(faults({ timeoutSeconds: 61 })).toEqual(['timeout_seconds']);
  });

  it('bounds the steps together, so that an execution can always be kept', () => {
    const steps = (count: number) => Array.from({ length: count }, () => callOut({ body: 'x'.repeat(60_000) }));
    expect(faults({ steps: steps(17) })).toEqual([]);
    expect(faults({ steps: steps(18) })).toEqual(['steps']);
  });

  it('lets jumps lead forward only, so that every flow ends', () => {
    expect(faults({ steps: [condition('later'), condition('continue', 'later')] })).toEqual([]);
    expect(faults({ steps: [condition('self', 'self')] })).toEqual(['steps[0].on_true']);
    expect(faults({ steps: [condition('continue', 'a'), condition('a')] })).toEqual(['steps[1].on_true']);
    expect(faults({ steps: [condition('end', 'x'), condition('end', 'x')] })).toEqual(['steps[1].label']);
  });

  it('checks expressions, addresses and templates before anything is stored', () => {
    expect(faults({ steps: [{ ...condition('end'), expression: 'bad' } as Step] })).toEqual(['steps[0].expression']);
    expect(faults({ steps: [callOut({ url: 'http://127.0.0.1/' })] })).toEqual(['steps[0].url']);
    expect(faults({ steps: [callOut({ url: 'https://user:word@example.com/' })] })).toEqual(['steps[0].url']);
    expect(faults({ steps: [callOut({ body: { a: '{{secrets.x}}' } })] })).toEqual(['steps[0].body']);
    expect(faults({ steps: [callOut({ headers: { 'X-A': '{{body.x' } })] })).toEqual(['steps[0].headers']);
    expect(faults({ steps: Array.from({ length: 51 }, () => condition('end')) })).toEqual(['steps']);
  });
});

describe('the life of a trigger', () => {
  it('is what its events have made it', () => {
    let state: TriggerState | null = null;
    const apply = (command: Parameters<typeof decideTrigger>[1]): void => {
      const decided = decideTrigger(state, command);
      if (!decided.ok) throw new Error(decided.error.kind);
      if (decided.value !== null) state = evolveTrigger(state, decided.value);
    };
    apply({ ...CREATE, changes: { name: 'A' } });
    apply({ type: 'disable', at: 2 });
    apply({ type: 'update', at: 3, changes: { timeoutSeconds: 5 }, policy: POLICY });
    apply({ type: 'rotate_url', at: 4, token: 'new' });
    expect(state).toMatchObject({
      trigger: { enabled: false, token: 'new', updatedAt: 4, config: { name: 'A', timeoutSeconds: 5 } },
    });
    apply({ type: 'delete', at: 5 });
    expect(decideTrigger(state, { type: 'enable', at: 6 })).toEqual({ ok: false, error: { kind: 'not_found' } });
  });
});
