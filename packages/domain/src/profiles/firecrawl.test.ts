import { describe, expect, it } from 'vitest';
import { deliveryIdOf } from '../ids.ts';
import { retryDelayMs } from '../retry.ts';
import { DEFAULTS, type WebhookConfig } from '../webhook/config.ts';
import { bodyContext } from './body.test-support.ts';
import { expandEventTypes } from './event-types.ts';
import { firecrawl } from './firecrawl.ts';

const sent = (type: string, data: unknown, config: Partial<WebhookConfig> = {}, jobId: string | null = 'job-1') => {
  const body = firecrawl.body(bodyContext(data, { type, jobId }, { profile: 'firecrawl', ...config }));
  if (!body.ok) throw new Error(body.error);
  return body.value;
};

describe('the firecrawl envelope', () => {
  it('FC-01 has its members in order, without error when all is well', () => {
    expect(sent('crawl.started', { job_id: 'other' })).toBe(
      '{"success":true,"type":"crawl.started","id":"job-1","data":[],"metadata":{}}',
    );
  });

  it('FC-01 says why when it failed, before the metadata', () => {
    expect(sent('extract.failed', { error: 'no pages' })).toBe(
      '{"success":false,"type":"extract.failed","id":"job-1","data":[],"error":"no pages","metadata":{}}',
    );
    expect(JSON.parse(sent('crawl.cancelled', {}))).toMatchObject({ success: false, error: 'The job was cancelled' });
    expect(JSON.parse(sent('crawl.failed', { error_message: '' }))).toMatchObject({ error: 'The job failed' });
  });

  it('FC-01 names the delivery behind the id when the webhook asks for that', () => {
    const delivery = deliveryIdOf('acme', 'evt-1', 'wh_00000000000000000000000001');
    expect(sent('crawl.completed', {}, { includeWebhookId: true })).toBe(
      `{"success":true,"type":"crawl.completed","id":"job-1","webhookId":"${delivery}","data":[],"metadata":{}}`,
    );
  });

  it('FC-01 takes the job from the data, or the event itself, where the producer names none', () => {
    expect(JSON.parse(sent('extract.completed', { extractId: 'x-1' }, {}, null)).id).toBe('x-1');
    expect(JSON.parse(sent('crawl.started', null, {}, null)).id).toBe('evt-1');
  });

  it('FC-02 speaks every documented type, and no other is chosen', () => {
    const documented = [
      ...['crawl.started', 'crawl.page', 'crawl.completed', 'crawl.cancelled'],
      ...['batch_scrape.started', 'batch_scrape.page', 'batch_scrape.completed'],
      ...['extract.started', 'extract.completed', 'extract.failed'],
    ];
    expect(firecrawl.eventTypes).toEqual(expect.arrayContaining(documented));
    expect(expandEventTypes(firecrawl, ['*'])).toEqual(firecrawl.eventTypes);
  });

  it('FC-03 carries one page, one result of an extraction, and nothing for the rest', () => {
    const page = {
      markdown: '# A',
      metadata: { title: 'A', statusCode: 200, cacheState: 'hit', proxyUsed: 'neither' },
    };
    for (const type of ['crawl.page', 'batch_scrape.page']) expect(JSON.parse(sent(type, page)).data).toEqual([page]);
    const result = { success: true, data: { price: 1 }, extractId: 'x', llmUsage: 2, totalUrlsScraped: 3, sources: {} };
    expect(JSON.parse(sent('extract.completed', result)).data).toEqual([result]);
    for (const type of ['crawl.started', 'crawl.completed', 'batch_scrape.started', 'batch_scrape.completed']) {
      expect(JSON.parse(sent(type, { total: 5 })).data).toEqual([]);
    }
  });

  it('FC-03 takes the result of an extraction whole, also when what was extracted is a list', () => {
    const result = { success: true, data: [{ price: 1 }, { price: 2 }], extractId: 'x', llmUsage: 2 };
    expect(JSON.parse(sent('extract.completed', result)).data).toEqual([result]);
  });

  it('FC-03 a page that failed is a page event without success', () => {
    const failed = { success: false, error: 'timed out', metadata: { url: 'https://example.com' } };
    expect(JSON.parse(sent('crawl.page', failed))).toMatchObject({
      success: false,
      data: [failed],
      error: 'timed out',
    });
    expect(JSON.parse(sent('crawl.page', { success: false, error: 'gone' })).data).toEqual([]);
  });

  it('FC-03 keeps the digits of numbers and the elements that a producer has put together itself', () => {
    expect(sent('crawl.page', '{"n":12345678901234567890}')).toContain('"data":[{"n":12345678901234567890}]');
    expect(sent('crawl.page', '{"success":true,"data":[{"n":12345678901234567890}]}')).toContain(
      '"data":[{"n":12345678901234567890}]',
    );
  });

  it('FC-04 echoes the metadata of the configuration', () => {
    expect(sent('crawl.started', {}, { metadata: { order: 1, nested: { a: [null] } } })).toContain(
      '"metadata":{"order":1,"nested":{"a":[null]}}}',
    );
  });

  it('FC-08 waits 10 s for an answer and tries anything but 2xx again after 1, 5 and 15 minutes', () => {
    const policy = { ...DEFAULTS, ...firecrawl.defaults };
    expect(firecrawl.defaults.timeoutSeconds).toBe(10);
    expect([1, 2, 3, 4].map((n) => retryDelayMs(policy, n))).toEqual([60_000, 300_000, 900_000, null]);
    for (const status of [301, 400, 404, 410, 429, 500, 503]) {
      expect(firecrawl.classify({ kind: 'response', status }), `${status}`).toBe('retryable');
    }
    expect(firecrawl.classify({ kind: 'response', status: 204 })).toBe('success');
    expect(firecrawl.classify({ kind: 'no_response', code: 'ETIMEDOUT' })).toBe('retryable');
  });
});
