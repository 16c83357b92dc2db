import { GrapnelProducer } from '@grapnel/client/producer';
import { Receiver } from '@grapnel/testkit/receiver';
import { expect, it } from 'vitest';
import { until } from '../support/ground.ts';
import { startProcessPlatform } from '../support/process-platform.ts';

const JOBS = 30;
const PAGES = 25;
/** Attempts of which one is refused, so that retries are under way all the time. */
const EVERY = 7;

it('FC-09 the end of each job comes after its pages have been tried, with retries and two services killed on the way', async () => {
  await using stack = new AsyncDisposableStack();
  const env = { GRAPNEL_ACK_WAIT_MS: '4000', GRAPNEL_TIME_SCALE: '60' };
  const platform = stack.use(await startProcessPlatform(env));
  const receiver = stack.use(await Receiver.start());
  const jobs = Array.from({ length: JOBS }, (_, n) => `job-${n}`);
  for (const job of jobs) {
    const refusing = Array.from({ length: 5 * EVERY }, (_, n) => ({ status: n % EVERY === 0 ? 500 : 200, delayMs: 5 }));
    receiver.sequence(`/${job}`, refusing);
    await platform.api('POST', `/v1/jobs/${job}/webhooks`, receiver.url(`/${job}`));
  }
  await using producer = new GrapnelProducer({
    address: platform.runtime.ingestGrpc,
    apiKey: platform.runtime.apiKey,
    maxBatchEvents: 20,
  });
  let published = 0;
  const crawl = async (jobId: string): Promise<void> => {
    await producer.publish({ type: 'crawl.started', jobId, data: {} });
    const pages = Array.from({ length: PAGES }, (_, n) => producer.publish({ type: 'crawl.page', jobId, data: { n } }));
    await Promise.all(pages.map((page) => page.then(() => published++)));
    await producer.publish({ type: 'crawl.completed', jobId, data: {} });
  };
  const crawling = (async () => {
    for (const job of jobs) await crawl(job);
  })();
  for (const [victim, share] of [
    ['dispatcher', 0.3],
    ['subscription', 0.6],
  ] as const) {
    await until('events flow', () => published > JOBS * PAGES * share);
    process.kill((await platform.pids())[victim] as number, 'SIGKILL');
  }
  await crawling;

  const ended = (job: string): number =>
    receiver.requestsTo(`/${job}`).findIndex(({ body }) => body.includes('"crawl.completed"'));
  await until('every job has ended', () => jobs.every((job) => ended(job) >= 0), 120_000);
  for (const job of jobs) {
    const before = receiver.requestsTo(`/${job}`).slice(0, ended(job));
    const tried = new Set(before.map(({ body }) => body.toString()));
    expect([job, tried.size]).toEqual([job, PAGES + 1]);
  }
}, 240_000);
