import type { Json } from '../json.ts';

const URL = 'https://example.com';
const STARTED = '2026-01-27T09:00:00.000Z';
const ENDED = '2026-01-27T10:00:00.000Z';

const pageJob = (status: string): Json => ({ job_id: 'job-uuid-1', url: URL, status });
const searchJob = (status: string, more: { readonly [key: string]: Json } = {}): Json => ({
  job_id: 'job-uuid-1',
  query: 'webhook delivery',
  status,
  ...more,
});
const crawlEnded = (status: string, succeeded: number): Json => ({
  job_id: 'job-uuid-1',
  url: URL,
  status,
  total: 10,
  succeeded,
  failed: 10 - succeeded,
  started_at: STARTED,
  finished_at: ENDED,
});
const task = (status: string, more: { readonly [key: string]: Json } = {}): Json => ({
  task_id: 'task-uuid-1',
  task_name: 'Daily News Scrape',
  task_type: 'scrape',
  status,
  ...more,
});

const PAGE: Json = {
  markdown: '# Example',
  metadata: {
    title: 'Example',
    description: 'An example page',
    url: 'https://example.com/page',
    statusCode: 200,
    contentType: 'text/html',
    scrapeId: '550e8400-e29b-41d4-a716-446655440001',
    sourceURL: 'https://example.com/page',
    proxyUsed: 'basic',
    cacheState: 'hit',
    cachedAt: '2026-01-26T21:11:25.636Z',
    creditsUsed: 1,
  },
};

const run = (detail: string, more: { readonly [key: string]: Json }): Json => ({
  eventData: { prodect_id: '3', apiRunId: '2e9ddee0582a40a9' },
  resource: {
    taskId: '2e9ddee0582a40a9',
    url: '{"spider_id":"3","spider_parameters":[{"url":"https://example.com/item"}]}',
    apiKey: '',
    apiUrl: '',
    apiCode: 200,
    apiResponseTime: 28_000,
    apiErrorMsg: '',
    apiResult: '',
    errorNumber: 0,
    successRate: 100,
    runseconds: 30,
    detail,
    flow: 1_765,
    fileSize: 1_765,
    type: 0,
    csvUrl: '',
    jsonUrl: '',
    audioUrl: '',
    videoUrl: '',
    subtitleUrl: '',
    createdAt: '2026-01-27T17:00:00+08:00',
    finishedAt: '',
    ...more,
  },
});

const SENDER = { userId: 'U1234567890', displayName: '王小明' };
const MEMBER = { userId: 'U0987654321', displayName: '李小華' };
const CHANNEL = 'C1234567890';
const WEBHOOK = 'wh_06f8k2m1q9w3e5r7t0y2v4x6z8';

const HOOK = { tenant: 'acme', webhook_id: WEBHOOK, webhook_name: 'Production' };
const DELIVERY = {
  tenant: 'acme',
  webhook_id: WEBHOOK,
  delivery_id: 'dlv_3g5k7m9p1r3t5v7x9z1b3d5f7h',
  event_id: 'evt_06f8k2m1q9w3e5r7t0y2v4x6z8',
  event_type: 'crawl.page',
};

/** What `data` of each built-in type looks like (AC-21, FC-03, TH-09, GG-03). */
const SAMPLES: Readonly<Record<string, Json>> = {
  'scrape.created': pageJob('pending'),
  'scrape.started': pageJob('running'),
  'scrape.completed': {
    job_id: 'job-uuid-1',
    status: 'completed',
    url: URL,
    total: 10,
    completed: 10,
    failed: 0,
    credits_used: 5,
    created_at: STARTED,
    completed_at: ENDED,
  },
  'scrape.failed': {
    job_id: 'job-uuid-1',
    status: 'failed',
    url: URL,
    error_message: 'Connection timeout',
    credits_used: 3,
    created_at: STARTED,
    completed_at: ENDED,
  },
  'scrape.cancelled': pageJob('cancelled'),
  'crawl.created': pageJob('pending'),
  'crawl.started': pageJob('running'),
  'crawl.page': PAGE,
  'crawl.completed': crawlEnded('completed', 10),
  'crawl.failed': crawlEnded('failed', 4),
  'crawl.cancelled': pageJob('cancelled'),
  'search.created': searchJob('pending'),
  'search.started': searchJob('running'),
  'search.completed': searchJob('completed', { results_count: 10 }),
  'search.failed': searchJob('failed', { error_message: 'Connection timeout' }),
  'map.created': pageJob('pending'),
  'map.started': pageJob('running'),
  'map.completed': { job_id: 'job-uuid-1', url: URL, status: 'completed', total: 42, credits_used: 1 },
  'map.failed': { job_id: 'job-uuid-1', url: URL, status: 'failed', error_message: 'Connection timeout' },
  'task.executed': {
    task_id: 'task-uuid-1',
    task_name: 'Daily News Scrape',
    execution_id: 'exec-uuid-1',
    execution_number: 45,
    status: 'completed',
    job_id: 'job-uuid-1',
    credits_used: 5,
    scheduled_for: STARTED,
    completed_at: '2026-01-27T09:02:15.000Z',
  },
  'task.failed': task('failed', { error_message: 'Insufficient credits' }),
  'task.paused': task('paused', { reason: 'Paused by its owner' }),
  'task.resumed': task('active'),
  'batch_scrape.started': {},
  'batch_scrape.page': PAGE,
  'batch_scrape.completed': {},
  'extract.started': {},
  'extract.completed': {
    success: true,
    data: { title: 'Example', price: 12.5 },
    extractId: '550e8400-e29b-41d4-a716-446655440002',
    llmUsage: 0.002,
    totalUrlsScraped: 1,
    sources: { title: [URL] },
  },
  'extract.failed': { error: 'The page could not be read' },
  'ACTOR.RUN.RUNNING': run('Running', { successRate: 0 }),
  'ACTOR.RUN.SUCCEEDED': run('Completed! 26 requests in total: 26 successful, 0 failed', {
    csvUrl: 'https://example.com/runs/2e9ddee0582a40a9.csv',
    jsonUrl: 'https://example.com/runs/2e9ddee0582a40a9.json',
    finishedAt: '2026-01-27T17:00:30+08:00',
  }),
  'ACTOR.RUN.FAILED': run('Failed! 1 request in total: 0 successful, 1 failed', {
    apiCode: 400,
    errorNumber: 1,
    successRate: 0,
    finishedAt: '2026-01-27T17:00:30+08:00',
  }),
  'message.received': {
    channelId: CHANNEL,
    messageId: 'msg_001',
    sender: SENDER,
    type: 'text',
    content: '大家早安!',
  },
  'member.joined': { channelId: CHANNEL, member: MEMBER },
  'member.left': { channelId: CHANNEL, member: MEMBER },
  'file.uploaded': {
    channelId: CHANNEL,
    messageId: 'msg_002',
    sender: SENDER,
    fileType: 'image',
    fileSize: 102_400,
  },
  'trigger.received': { order: 17 },
  'webhook.failing': { ...HOOK, consecutive_failures: 5 },
  'webhook.auto_disabled': {
    ...HOOK,
    consecutive_failures: 10,
    reason: '10 deliveries in a row failed',
  },
  'delivery.exhausted': { ...DELIVERY, attempts: 4, reason: 'HTTP 500' },
  'message.expired': { ...DELIVERY, attempts: 2, reason: 'the payload is no longer kept' },
  'replay.finished': {
    tenant: 'acme',
    replay_id: 'rpl_06f8k2m1q9w3e5r7t0y2v4x6z8',
    webhook_id: WEBHOOK,
    status: 'finished',
    found: 100,
    queued: 98,
    skipped: 0,
    failed: 2,
  },
  'webhook.test': { message: 'This is a test webhook', timestamp: ENDED, webhook_id: WEBHOOK },
};

/** `null` where a type has none of its own. */
export const sampleOf = (type: string): Json => SAMPLES[type] ?? null;
