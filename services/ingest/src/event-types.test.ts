import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RunningIngest, startIngest } from './ingest-fixture.ts';

let ingest: RunningIngest;
beforeAll(async () => {
  const schema = JSON.stringify({ type: 'object', required: ['n'], properties: { n: { type: 'integer' } } });
  ingest = await startIngest({
    types: [
      { name: 'invoice.paid', version: 1, schema },
      { name: 'invoice.sent', version: 1 },
      { name: 'invoice.gone', version: 2, archived: true },
    ],
  });
});
afterAll(() => ingest[Symbol.asyncDispose]());

it('AC-09 takes events of registered types, and those alone', async () => {
  expect((await ingest.post({ type: 'invoice.sent', data: [1] })).status).toBe(202);
  for (const type of ['invoice.gone', 'invoice.lost']) {
    const { status, body } = await ingest.post({ type, data: {} });
    expect([status, body.details[0]?.field]).toEqual([400, 'type']);
  }
});

it('AC-09 holds data to the schema of its type, at every edge, and stores nothing that does not match', async () => {
  expect((await ingest.post({ type: 'invoice.paid', data: { n: 1 } })).status).toBe(202);
  const before = await ingest.stored();
  const { status, body } = await ingest.post({ type: 'invoice.paid', data: { n: 'one' } });
  expect([status, body.details[0]]).toMatchObject([400, { field: 'data.n', code: 'INVALID_TYPE' }]);
  const data = (value: unknown) => Buffer.from(JSON.stringify(value));
  const event = { type: 'invoice.paid', data: data({}) };
  const refused = (field: string) => ({ details: { violations: [expect.objectContaining({ field })] } });
  await expect(ingest.client.publish({ event })).rejects.toMatchObject(refused('data.n'));
  const { results } = await ingest.client.publishBatch({ events: [event] });
  expect(results[0]?.outcome).toMatchObject({ case: 'error', value: { fields: [{ field: 'data.n' }] } });
  const cloudEvent = { specversion: '1.0', id: 'ce-1', source: '/shop', type: 'invoice.paid', data: {} };
  const structured = await ingest.post(cloudEvent, { 'content-type': 'application/cloudevents+json' });
  expect([structured.status, structured.body.details[0]?.field]).toEqual([400, 'data.n']);
  expect(await ingest.stored()).toBe(before);
});
