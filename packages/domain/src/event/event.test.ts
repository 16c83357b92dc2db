import { describe, expect, it } from 'vitest';
import { acceptEvent, type EventInput, MAX_DATA_BYTES } from './event.ts';

const INPUT: EventInput = {
  id: 'e1',
  type: 'crawl.page',
  jobId: 'j',
  taskId: null,
  time: null,
  data: Buffer.from('{"a":1}'),
};
const CONTEXT = { tenant: 'acme', now: 5, newId: () => 'evt_new' };
const accept = (change: Partial<EventInput>) => acceptEvent({ ...INPUT, ...change }, CONTEXT);

describe('accepting events', () => {
  it('fills in what the producer left out', () => {
    expect(accept({ id: null })).toEqual({
      ok: true,
      value: { id: 'evt_new', tenant: 'acme', type: 'crawl.page', jobId: 'j', taskId: null, time: 5, acceptedAt: 5 },
    });
  });

  const bad: [string, Partial<EventInput>, string][] = [
    ['an id with spaces', { id: 'a b' }, 'id'],
    ['an unknown type', { type: 'nope' }, 'type'],
    ['no type', { type: '' }, 'type'],
    ['the platform’s own type', { type: 'webhook.test' }, 'type'],
    ['a call of a trigger', { type: 'trigger.received' }, 'type'],
    ['news of the platform', { type: 'replay.finished' }, 'type'],
    ['a job id with control characters', { jobId: 'a\u0000' }, 'job_id'],
    ['a task id that is too long', { taskId: 'x'.repeat(257) }, 'task_id'],
    ['a time that is none', { time: Number.NaN }, 'time'],
    ['no data', { data: new Uint8Array() }, 'data'],
    ['data that is no JSON', { data: Buffer.from('{') }, 'data'],
  ];
  it.each(bad)('names the field of %s', (_what, change, field) => {
    const refused = accept(change);
    expect(refused.ok ? [] : refused.error.map((v) => v.field)).toEqual([field]);
  });

  it('AC-15 takes 1 MB and refuses a byte more, naming the limit', () => {
    const sized = (bytes: number): Uint8Array => Buffer.from(`"${'x'.repeat(bytes - 2)}"`);
    expect(accept({ data: sized(MAX_DATA_BYTES) }).ok).toBe(true);
    expect(accept({ data: sized(MAX_DATA_BYTES + 1) })).toMatchObject({
      ok: false,
      error: [{ field: 'data', code: 'TOO_LARGE', message: expect.stringContaining('1048576') }],
    });
  });

  it('prefixes the fields of a batch', () => {
    const refused = acceptEvent({ ...INPUT, type: '' }, CONTEXT, 'events[3].');
    expect(refused.ok ? '' : refused.error[0]?.field).toBe('events[3].type');
  });
});
