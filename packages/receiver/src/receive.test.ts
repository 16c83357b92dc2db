import { describe, expect, expectTypeOf, it } from 'vitest';
import { anyCrawlReceiver } from './anycrawl.ts';
import type { CrawlEnded, ExtractResult, GroupMessage, Page, PageJob, ScrapeCompleted } from './event-data.ts';
import { firecrawlReceiver } from './firecrawl.ts';
import { groupGmReceiver } from './groupgm.ts';
import type { Json, Received } from './receive.ts';
import { hexHmac, NOW, NOW_ISO, refusal, SECRET, standardSignature } from './signing.fixture.ts';
import { standardReceiver } from './standard.ts';
import { templateReceiver } from './template.ts';

const now = (): number => NOW;

function eventOf<E>(received: Received<E>): E {
  if (!received.valid) throw new Error(`refused: ${received.reason}`);
  return received.event;
}

describe('anyCrawlReceiver', () => {
  const receiver = anyCrawlReceiver({ secret: SECRET, now });
  const body =
    '{"job_id":"job-1","status":"completed","url":"https://example.com","total":10,"completed":10,"failed":0}';
  const headers = {
    'x-anycrawl-signature': hexHmac(body),
    'x-webhook-event': 'scrape.completed',
    'x-webhook-delivery-id': 'dlv_1',
    'x-webhook-timestamp': NOW_ISO,
  };

  it('AC-14 AC-21 makes an event whose type narrows its data', () => {
    const event = eventOf(receiver.receive({ headers, body }));
    expect(event).toMatchObject({ type: 'scrape.completed', deliveryId: 'dlv_1', timestamp: NOW_ISO });
    switch (event.type) {
      case 'scrape.completed':
        expectTypeOf(event.data).toEqualTypeOf<ScrapeCompleted>();
        break;
      case 'crawl.started':
        expectTypeOf(event.data).toEqualTypeOf<PageJob>();
        break;
      case 'crawl.completed':
        expectTypeOf(event.data).toEqualTypeOf<CrawlEnded>();
        break;
      default:
        expectTypeOf(event.type).toExtend<string>();
    }
  });

  it('passes on a type that is in no catalogue', () => {
    const event = eventOf(receiver.receive({ headers: { ...headers, 'x-webhook-event': 'invoice.paid' }, body }));
    expectTypeOf(event.type).toExtend<string>();
    expect(event.type).toBe('invoice.paid');
    expect(event.data).toMatchObject({ total: 10 });
  });

  it('narrows by types that an operator has added', () => {
    const own = anyCrawlReceiver<{ 'invoice.paid': { total: number } }>({ secret: SECRET, now });
    const event = eventOf(own.receive({ headers: { ...headers, 'x-webhook-event': 'invoice.paid' }, body }));
    if (event.type === 'invoice.paid') expectTypeOf(event.data).toEqualTypeOf<{ total: number }>();
    if (event.type === 'crawl.page') expectTypeOf(event.data).toEqualTypeOf<Page>();
    expect(event.type).toBe('invoice.paid');
  });

  it('AC-14 reads headers in any case, and from Fetch', () => {
    const shouting = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value]));
    expect(receiver.receive({ headers: shouting, body }).valid).toBe(true);
    expect(receiver.receive({ headers: new Headers(headers), body }).valid).toBe(true);
    const twice = { ...headers, 'X-AnyCrawl-Signature': hexHmac(body) };
    expect(receiver.receive({ headers: twice, body })).toEqual(refusal('malformed'));
  });

  it('AC-14 reads the signature under another name when told to', () => {
    const branded = anyCrawlReceiver({ secret: SECRET, now, signatureHeader: 'X-Acme-Signature' });
    const { 'x-anycrawl-signature': signature, ...rest } = headers;
    expect(branded.receive({ headers: { ...rest, 'x-acme-signature': signature }, body }).valid).toBe(true);
    expect(branded.receive({ headers, body })).toEqual(refusal('missing'));
  });

  it.each([['x-anycrawl-signature'], ['x-webhook-event'], ['x-webhook-delivery-id'], ['x-webhook-timestamp']])(
    'AC-14 refuses a request without %s',
    (name) => {
      expect(receiver.receive({ headers: { ...headers, [name]: undefined }, body })).toEqual(refusal('missing'));
    },
  );

  it('AC-14 refuses what is old, and what is no JSON', () => {
    const late = anyCrawlReceiver({ secret: SECRET, now: () => NOW + 301_000 });
    expect(late.receive({ headers, body })).toEqual(refusal('too_old'));
    for (const unreadable of ['not JSON', Buffer.from([0x22, 0xff, 0x22])]) {
      const signed = { ...headers, 'x-anycrawl-signature': hexHmac(unreadable) };
      expect(receiver.receive({ headers: signed, body: unreadable })).toEqual(refusal('unreadable'));
    }
  });

  it('says at once that it cannot work', () => {
    expect(() => anyCrawlReceiver({})).toThrow(TypeError);
    expect(() => anyCrawlReceiver({ secret: SECRET, toleranceSeconds: -1 })).toThrow(TypeError);
  });
});

describe('firecrawlReceiver', () => {
  const receiver = firecrawlReceiver({ secret: SECRET });
  const received = (envelope: object | string): ReturnType<typeof receiver.receive> => {
    const body = typeof envelope === 'string' ? envelope : JSON.stringify(envelope);
    return receiver.receive({ headers: { 'X-Firecrawl-Signature': hexHmac(body) }, body });
  };

  it('FC-01 FC-03 FC-07 makes an event whose type narrows its data', () => {
    const page = { markdown: '# 页面', metadata: { statusCode: 200, cacheState: '命中' } };
    const event = eventOf(
      received({ success: true, type: 'crawl.page', id: 'job-1', data: [page], metadata: { a: 1 } }),
    );
    expect(event).toEqual({ success: true, type: 'crawl.page', id: 'job-1', data: [page], metadata: { a: 1 } });
    switch (event.type) {
      case 'crawl.page':
        expectTypeOf(event.data).toEqualTypeOf<readonly Page[]>();
        break;
      case 'extract.completed':
        expectTypeOf(event.data).toEqualTypeOf<readonly ExtractResult[]>();
        break;
      case 'crawl.completed':
        expectTypeOf(event.data).toEqualTypeOf<readonly []>();
        break;
      default:
    }
  });

  it('FC-01 has an error when it did not succeed', () => {
    const failed = { success: false, type: 'extract.failed', id: 'job-1', data: [], error: '超时已超出', metadata: {} };
    const event = eventOf(received(failed));
    if (!event.success) expectTypeOf(event.error).toEqualTypeOf<string>();
    expect(event.success).toBe(false);
    expect(event.error).toBe('超时已超出');
  });

  it.each([
    [[]],
    ['"text"'],
    [{ type: 'crawl.page', data: [] }],
    [{ success: true, data: [] }],
    [{ success: true, type: 'x' }],
  ])('FC-01 refuses what is no envelope: %j', (envelope) => {
    expect(received(envelope)).toEqual(refusal('unreadable'));
  });
});

describe('groupGmReceiver', () => {
  const receiver = groupGmReceiver({ secret: SECRET });
  const content = {
    event: 'message.received',
    timestamp: '2025-01-15T08:30:00Z',
    data: {
      channelId: 'C1',
      messageId: 'msg_001',
      sender: { userId: 'U1', displayName: '王小明' },
      type: 'text',
      content: '早',
    },
  };
  const received = (envelope: object, further = {}): ReturnType<typeof receiver.receive> => {
    const body = JSON.stringify(envelope);
    return receiver.receive({ headers: { 'x-webhook-signature': hexHmac(body), ...further }, body });
  };

  it('GG-02 GG-03 GG-04 makes an event whose type narrows its data', () => {
    const event = eventOf(received(content, { 'x-webhook-delivery-id': 'dlv_1' }));
    const { event: type, ...rest } = content;
    expect(event).toEqual({ type, deliveryId: 'dlv_1', ...rest });
    if (event.type === 'message.received') expectTypeOf(event.data).toEqualTypeOf<GroupMessage>();
  });

  it('GG-02 needs no delivery id, but an envelope', () => {
    expect(eventOf(received(content)).deliveryId).toBeNull();
    expect(received({ ...content, event: 1 })).toEqual(refusal('unreadable'));
    expect(received([])).toEqual(refusal('unreadable'));
  });
});

describe('templateReceiver', () => {
  const receiver = templateReceiver<{
    'ACTOR.RUN.SUCCEEDED': { files: string[] };
    'ACTOR.RUN.FAILED': { why: string };
  }>({
    secret: SECRET,
    now,
  });
  const body = '{"files":["a.csv"]}';
  const headers = {
    webhook: 'ACTOR.RUN.SUCCEEDED',
    'webhook-dispatch-id': 'dlv_1',
    'request-origin': 'grapnel',
    'x-webhook-signature': hexHmac(body),
    'x-webhook-timestamp': NOW_ISO,
  };

  it('TH-08 TH-10 makes an event whose data is what the template makes', () => {
    const event = eventOf(receiver.receive({ headers, body }));
    expect(event).toEqual({
      type: 'ACTOR.RUN.SUCCEEDED',
      deliveryId: 'dlv_1',
      timestamp: NOW_ISO,
      data: { files: ['a.csv'] },
    });
    if (event.type === 'ACTOR.RUN.SUCCEEDED') expectTypeOf(event.data).toEqualTypeOf<{ files: string[] }>();
    const untyped = eventOf(templateReceiver({ secret: SECRET, now }).receive({ headers, body }));
    expectTypeOf(untyped.data).toEqualTypeOf<Json>();
  });

  it.each([['webhook'], ['webhook-dispatch-id'], ['x-webhook-signature'], ['x-webhook-timestamp']])(
    'TH-07 refuses a request without %s',
    (name) => {
      expect(receiver.receive({ headers: { ...headers, [name]: undefined }, body })).toEqual(refusal('missing'));
    },
  );

  it('TH-10 refuses what is old', () => {
    const old = { ...headers, 'x-webhook-timestamp': '2026-01-27T09:54:59.999Z' };
    expect(receiver.receive({ headers: old, body })).toEqual(refusal('too_old'));
  });
});

describe('standardReceiver', () => {
  const key = Buffer.alloc(24, 7);
  const secret = `whsec_${key.toString('base64')}`;
  const receiver = standardReceiver({ secret, now });
  const timestamp = String(NOW / 1_000);
  const received = (envelope: object, signatureHeader = 'webhook-signature'): ReturnType<typeof receiver.receive> => {
    const body = JSON.stringify(envelope);
    const headers = {
      'webhook-id': 'dlv_1',
      'webhook-timestamp': timestamp,
      [signatureHeader]: standardSignature(key, 'dlv_1', timestamp, body),
    };
    return standardReceiver({ secret, now, signatureHeader }).receive({ headers, body });
  };

  it('ST-01 makes an event whose type narrows its data', () => {
    const data = { job_id: 'job-1', url: 'https://example.com', status: 'started' };
    const event = eventOf(received({ type: 'crawl.started', timestamp: NOW_ISO, data }));
    expect(event).toEqual({ id: 'dlv_1', type: 'crawl.started', timestamp: NOW_ISO, data });
    if (event.type === 'crawl.started') expectTypeOf(event.data).toEqualTypeOf<PageJob>();
  });

  it('ST-08 reads a CloudEvent', () => {
    const cloudEvent = { id: 'evt_1', source: 'urn:grapnel:acme', subject: 'job-1' };
    const event = eventOf(
      received({ specversion: '1.0', type: 'crawl.page', time: NOW_ISO, data: { markdown: '' }, ...cloudEvent }),
    );
    expect(event).toEqual({ id: 'dlv_1', type: 'crawl.page', timestamp: NOW_ISO, data: { markdown: '' }, cloudEvent });
  });

  it('ST-01 reads the signature under another name, and refuses what is no envelope', () => {
    const content = { type: 'crawl.page', timestamp: NOW_ISO, data: null };
    expect(received(content, 'acme-signature').valid).toBe(true);
    expect(received({ type: 'crawl.page' })).toEqual(refusal('unreadable'));
    expect(received({ ...content, specversion: '1.0' })).toEqual(refusal('unreadable'));
    expect(receiver.receive({ headers: {}, body: '{}' })).toEqual(refusal('missing'));
  });

  it('says at once that it cannot work', () => {
    expect(() => standardReceiver({ secret: 'plain' })).toThrow(TypeError);
  });
});
