import { fastify } from 'fastify';
import { describe, expect, it } from 'vitest';
import { answerErrors } from '../error-handler.ts';
import { refuseUnmatched } from '../methods.ts';
import type { IncomingEvents } from './incoming-event.ts';
import { addEventRoute } from './routes.ts';

const CLOUD = { specversion: '1.0', id: '1', source: '/a', type: 'crawl.page', data: 1 };

/** The route on a bare server, which remembers what it was handed. */
async function edge() {
  const handed: IncomingEvents[] = [];
  const server = fastify();
  answerErrors(server, () => null);
  server.setNotFoundHandler(refuseUnmatched(server));
  await server.register(
    async (v1) => {
      addEventRoute(v1, {
        schema: {},
        publish: async (incoming) => {
          handed.push(incoming);
          return incoming.events.map((_, n) => ({ eventId: `e${n}`, duplicate: false }));
        },
      });
    },
    { prefix: '/v1' },
  );
  const post = async (payload: string, headers: Record<string, string> = { 'content-type': 'application/json' }) => {
    const reply = await server.inject({ method: 'POST', url: '/v1/events', payload, headers });
    return { status: reply.statusCode, body: reply.json<{ message: string; details: { field: string }[] }>() };
  };
  return { server, handed, post };
}

describe('the events of a request', () => {
  it('are handed on with all their fields', async () => {
    const { post, handed } = await edge();
    const event = { id: 'i', type: 'crawl.page', job_id: 'j', task_id: 't', tags: ['a'], time: '2026-01-01T00:00:00Z' };
    expect(await post(JSON.stringify({ ...event, data: { n: 1 } }))).toEqual({
      status: 202,
      body: { success: true, data: { event_id: 'e0', duplicate: false } },
    });
    const first = handed[0]?.events[0];
    expect(first?.input).toMatchObject({ id: 'i', type: 'crawl.page', jobId: 'j', taskId: 't', tags: ['a'] });
    expect(first?.input.time).toBe(Date.UTC(2026, 0, 1));
    expect(Buffer.from(first?.input.data ?? []).toString()).toBe('{"n":1}');
  });

  it('AC-04 are refused with every fault of form and of content, once for each field', async () => {
    const { post, handed } = await edge();
    const { status, body } = await post(
      JSON.stringify({ id: 7, type: 'nope', job_id: '', tags: ['x', 1], time: 'soon', extra: 1 }),
    );
    expect(status).toBe(400);
    expect(body.details.map(({ field }) => field).toSorted()).toEqual([
      ...['data', 'extra', 'id', 'job_id', 'tags[1]', 'time', 'type'],
    ]);
    expect(body.message).toContain('type is not a known event type ("nope"): GET /v1/webhook-events lists them');
    expect(handed).toEqual([]);
  });

  it('ST-08 keep the trace that a CloudEvent brings', async () => {
    const { post, handed } = await edge();
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await post(JSON.stringify({ ...CLOUD, traceparent }), { 'content-type': 'application/cloudevents+json' });
    expect(handed[0]?.events[0]?.traceparent).toBe(traceparent);
  });

  it('ST-08 are bounded in number and in bytes when they come together', async () => {
    const { post, handed } = await edge();
    const batch = { 'content-type': 'application/cloudevents-batch+json' };
    const many = await post(JSON.stringify(Array.from({ length: 1_001 }, (_, n) => ({ ...CLOUD, id: `${n}` }))), batch);
    expect(many).toMatchObject({ status: 400, body: { details: [{ field: 'body', code: 'TOO_LONG' }] } });
    const data = 'x'.repeat(1_000_000);
    const large = await post(
      JSON.stringify(Array.from({ length: 9 }, (_, n) => ({ ...CLOUD, id: `${n}`, data }))),
      batch,
    );
    expect(large).toMatchObject({ status: 400, body: { details: [{ field: 'body', code: 'TOO_LARGE' }] } });
    expect(handed).toEqual([]);
  });

  it('are answered at one path by one method', async () => {
    const { server } = await edge();
    const wrong = await server.inject({ method: 'GET', url: '/v1/events?x=1' });
    expect([wrong.statusCode, wrong.headers['allow']]).toEqual([405, 'POST']);
    expect((await server.inject({ method: 'GET', url: '/v1/event' })).statusCode).toBe(404);
  });
});
