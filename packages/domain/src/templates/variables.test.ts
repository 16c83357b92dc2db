import { describe, expect, it } from 'vitest';
import type { Event } from '../event/event.ts';
import type { Json } from '../json.ts';
import { templateVariables } from './variables.ts';

const EVENT: Event = {
  id: 'e1',
  tenant: 'acme',
  type: 'ACTOR.RUN.SUCCEEDED',
  jobId: 'j',
  taskId: null,
  time: Date.UTC(2025, 5, 7, 6, 33, 14, 250),
  acceptedAt: 99,
};

const split = (data: Json): Json => {
  const { eventData, resource } = templateVariables(EVENT, data);
  return { eventData, resource };
};

describe('what the variables stand for', () => {
  it('TH-03 six of them, all from the event, in the order of the documentation', () => {
    expect(
      Object.entries(templateVariables(EVENT, { eventData: { prodect_id: '3' }, resource: { taskId: 't' } })),
    ).toEqual([
      ['userId', 'acme'],
      ['createdAt', '2025-06-07T06:33:14Z'],
      ['eventType', 'ACTOR.RUN.SUCCEEDED'],
      ['eventData', { prodect_id: '3' }],
      ['resource', { taskId: 't' }],
      ['globals', { dateISO: '2025-06-07T06:33:14.250Z', dateUnix: 1_749_277_994 }],
    ]);
  });

  it('TH-09 gives to each of eventData and resource what the data does not name', () => {
    expect(split({ prodect_id: '3', resource: { taskId: 't' } })).toEqual({
      eventData: { prodect_id: '3' },
      resource: { taskId: 't' },
    });
    expect(split({ eventData: { a: 1 }, taskId: 't' })).toEqual({ eventData: { a: 1 }, resource: { taskId: 't' } });
    expect(split({ resource: {} })).toEqual({ eventData: {}, resource: {} });
    expect(split({ eventData: null, resource: 0 })).toEqual({ eventData: null, resource: 0 });
  });

  it('takes data of any other shape as a whole for both', () => {
    for (const data of [{ job_id: 'j' }, [1], 'text', 0, null]) {
      expect(split(data)).toEqual({ eventData: data, resource: data });
    }
  });

  it('TH-06 takes no inherited key for a part of the data', () => {
    const data = JSON.parse('{"__proto__":{"resource":"no","eventData":"no"},"resource":1}') as Json;
    const { eventData } = templateVariables(EVENT, data);
    expect(JSON.stringify(eventData)).toBe('{"__proto__":{"resource":"no","eventData":"no"}}');
  });
});
