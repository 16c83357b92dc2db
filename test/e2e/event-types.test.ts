import { EventTypeService } from '@grapnel/contracts/gen/grapnel/subscription/v1/event_type_pb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/ground.ts';
import { type Answer, Platform } from '../support/platform.ts';

let platform: Platform;
beforeAll(async () => {
  platform = await Platform.start();
});
afterAll(() => platform[Symbol.asyncDispose]());

type Json = Answer['body'];

const SCHEMA = {
  type: 'object',
  required: ['number'],
  properties: { number: { type: 'string', pattern: '^INV-' }, lines: { type: 'array', items: { type: 'object' } } },
};
const operators = () => platform.subscription.client(EventTypeService);
const define = (more: object = {}) =>
  operators().defineEventType({
    name: 'invoice.paid',
    description: 'An invoice was paid.',
    schema: JSON.stringify(SCHEMA),
    example: JSON.stringify({ number: 'INV-1' }),
    ...more,
  });
const publish = (data: unknown, type = 'invoice.paid') => platform.call('POST', '/v1/events', { type, data });
const fieldsOf = ({ body }: Answer): string[] => (body.details ?? []).map(({ field }: Json) => field);
const shown = async (name: string): Promise<Json> => {
  const { body } = await platform.call('GET', '/v1/webhook-events');
  return body.data.types.find((type: Json) => type.name === name);
};

describe('AC-09 registered event types', { timeout: 60_000 }, () => {
  it('AC-09 a registered type is published, held to its schema, subscribed to and delivered', async () => {
    expect((await publish({ number: 'INV-1' })).status).toBe(400);
    expect(await define()).toMatchObject({ version: 1, category: 'invoice', archived: false });
    const { id } = await platform.createWebhook('/invoices', { event_types: ['invoice.*'] });
    await until('ingest knows the type', async () => (await publish({ number: 'INV-7' })).status === 202);
    await until('delivered', () => platform.receiver.requestsTo('/invoices').length > 0);
    const [delivery] = await platform.ended(id, 1);
    expect(delivery).toMatchObject({ event_type: 'invoice.paid', status: 'delivered' });
    const wrong = await publish({ number: 7 });
    expect([wrong.status, fieldsOf(wrong)]).toEqual([400, ['data.number']]);
    expect(fieldsOf(await publish({ number: 'INV-1', lines: [{}, 1] }))).toEqual(['data.lines[1]']);
    expect(fieldsOf(await publish({}))).toEqual(['data.number']);
    expect(platform.receiver.requestsTo('/invoices')).toHaveLength(1);
  });

  it('AC-09 GET /v1/webhook-events shows it beside the built-in types, with examples', async () => {
    await define({ description: 'Paid.' });
    const { body } = await platform.call('GET', '/v1/webhook-events');
    expect(body.data.event_types).toContain('invoice.paid');
    expect(body.data.categories).toMatchObject({
      invoice: ['invoice.paid'],
      task: expect.arrayContaining(['task.paused']),
    });
    const invoice = await shown('invoice.paid');
    expect(invoice).toMatchObject({ category: 'invoice', example: { number: 'INV-1' }, schema: SCHEMA });
    expect(invoice.version).toBeGreaterThan(1);
    const built = await shown('crawl.completed');
    expect(built).toMatchObject({ version: 1, example: { total: 10, succeeded: 10 } });
    expect(built).not.toHaveProperty('schema');
  });

  it('AC-10 a test sends the example of any type, in the format of the webhook', async () => {
    await define();
    const { id } = await platform.createWebhook('/tested', { event_types: ['scrape.completed'] });
    for (const event_type of ['crawl.page', 'invoice.paid']) {
      expect((await platform.call('POST', `/v1/webhooks/${id}/test`, { event_type })).status).toBe(200);
    }
    await until('both are sent', () => platform.receiver.requestsTo('/tested').length === 2);
    const bodies = platform.receiver.requestsTo('/tested').map((request) => JSON.parse(request.text()));
    expect(bodies).toContainEqual({ number: 'INV-1' });
    expect(bodies).toContainEqual(expect.objectContaining({ markdown: '# Example' }));
    const unknown = await platform.call('POST', `/v1/webhooks/${id}/test`, { event_type: 'no.such' });
    expect([unknown.status, fieldsOf(unknown)]).toEqual([400, ['event_type']]);
    expect((await platform.ended(id, 2)).every(({ is_test }: Json) => is_test)).toBe(true);
  });

  it('AC-09 an archived type takes no events and no subscriptions, and can be restored', async () => {
    await define({ name: 'invoice.sent', schema: '' });
    await until('ingest knows the type', async () => (await publish({}, 'invoice.sent')).status === 202);
    await operators().archiveEventType({ name: 'invoice.sent' });
    await until('ingest knows', async () => (await publish({}, 'invoice.sent')).status === 400);
    const create = () => platform.createWebhook('/sent', { event_types: ['invoice.sent'] });
    const archived = await publish({}, 'invoice.sent');
    expect(archived.body.details[0].message).toContain('is an archived event type ("invoice.sent")');
    await expect(create()).rejects.toThrow(/is an archived event type .*takes no new subscriptions/);
    // What there was can be replayed.
    const { id } = await platform.createWebhook('/was', { event_types: ['invoice.*'] });
    const replay = (types: string[]) => platform.call('POST', `/v1/webhooks/${id}/replay`, { event_types: [...types] });
    expect((await replay(['invoice.sent', 'invoice.*'])).status).toBe(202);
    const unknown = await replay(['crawl.page', 'crawl.pages', 'nobody.*']);
    expect([unknown.status, fieldsOf(unknown)]).toEqual([400, ['event_types[1]', 'event_types[2]']]);
    expect(await shown('invoice.sent')).toBeUndefined();
    await operators().archiveEventType({ name: 'invoice.sent', restore: true });
    await until('ingest knows', async () => (await publish({}, 'invoice.sent')).status === 202);
    await create();
  });

  it('AC-09 refuses definitions that cannot work, naming the field', async () => {
    const refused = (field: string) => ({ details: { violations: [expect.objectContaining({ field })] } });
    await expect(define({ name: 'crawl.page' })).rejects.toMatchObject(refused('name'));
    await expect(define({ schema: '{"type": "strin"}' })).rejects.toMatchObject(refused('schema'));
    await expect(define({ schema: '{"$ref": "https://example.com/x"}' })).rejects.toMatchObject(refused('schema'));
    await expect(define({ example: '{"number": 1}' })).rejects.toMatchObject(refused('example.number'));
    await expect(define({ example: '{' })).rejects.toMatchObject(refused('example'));
    await expect(operators().archiveEventType({ name: 'no.such' })).rejects.toThrow(/not found/);
  });
});
