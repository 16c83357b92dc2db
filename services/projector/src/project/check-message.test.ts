import { describe, expect, it } from 'vitest';
import { delivered, delivery, failed, replayRequested, skipped } from '../testing/facts.ts';
import { checkDelivery, checkOutcome } from './check-message.ts';

const one = delivery(1);
const copy = <T>(value: T): T => structuredClone(value);

describe('what a message must look like', () => {
  it.each([
    ['delivered', delivered(one)],
    ['failed', failed(one, { last: true })],
    ['failed without an answer', failed(one, { status: null as never })],
    ['skipped', skipped(one)],
    ['replayed', replayRequested(one, 5)],
  ])('%s passes unchanged', (_, outcome) => {
    expect(checkOutcome(copy(outcome))).toEqual(outcome);
  });

  const good = delivered(one);
  if (good.kind !== 'delivered') throw new Error('unreachable');
  const { attempt } = good;
  it.each<[string, unknown]>([
    ['outcome', 'text'],
    ['outcome', [good]],
    ['kind', { ...good, kind: 'lost' }],
    ['delivery', { ...good, delivery: null }],
    ['delivery.id', { ...good, delivery: { ...one, id: 'dlv_1' } }],
    ['delivery.tenant', { ...good, delivery: { ...one, tenant: 'A B' } }],
    ['delivery.eventType', { ...good, delivery: { ...one, eventType: 'x'.repeat(4_097) } }],
    ['delivery.createdAt', { ...good, delivery: { ...one, createdAt: 1.5 } }],
    ['delivery.createdAt', { ...good, delivery: { ...one, createdAt: 8.64e15 + 2 } }],
    ['delivery.bodyBytes', { ...good, delivery: { ...one, bodyBytes: 2 ** 31 } }],
    ['turn', { ...good, turn: undefined }],
    ['turn.attempt', { ...good, turn: { round: 0, attempt: 0 } }],
    ['attempt.durationMs', { ...good, attempt: { ...attempt, durationMs: -1 } }],
    ['attempt.request', { ...good, attempt: { ...attempt, request: [] } }],
    [
      'attempt.request.headers',
      { ...good, attempt: { ...attempt, request: { ...attempt.request, headers: { a: 1 } } } },
    ],
    ['attempt.response', { ...good, attempt: { ...attempt, response: undefined } }],
    ['reason', { ...skipped(one), reason: 'toString' }],
    ['nextAttemptAt', { ...failed(one), nextAttemptAt: undefined }],
  ])('%s is named when it is wrong', (what, outcome) => {
    expect(() => checkOutcome(copy(outcome))).toThrow(`${what} is not what it must be`);
  });

  it('rounds durations, shortens answers, and replaces what Postgres has no letters for', () => {
    const headers = { 'a\0': 'b\ud800' };
    const response = { status: 200, headers, body: 'x'.repeat(2_000) };
    const checked = checkOutcome({ ...copy(good), attempt: { ...copy(attempt), durationMs: 1.6, response } });
    expect(checked).toMatchObject({
      attempt: { durationMs: 2, response: { headers: { 'a\ufffd': 'b\ufffd' }, body: 'x'.repeat(1_000) } },
    });
    expect(checkDelivery({ ...one, jobId: 'a\0' }).jobId).toBe('a\ufffd');
  });
});
