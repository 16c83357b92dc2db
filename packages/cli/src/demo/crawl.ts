import type { ProducerEvent } from '@grapnel/client/event';
import { chanceOf } from './random.ts';

/** An event of the demo's crawl. */
export interface Step {
  readonly event: ProducerEvent;
  /** What the event's body can be recognised by; no other event of the crawl has it. */
  readonly fact: string;
  /** Published only after everything before it is stored. */
  readonly last: boolean;
}

const SITE = 'https://example.com';
const TOPICS = ['news', 'products', 'docs', 'blog', 'careers'] as const;

/** The word that tells the events of one crawl apart, from an event's type and data. */
export function factOf(type: string, data: Readonly<Record<string, unknown>>): string {
  return `${type} ${typeof data['page'] === 'number' ? data['page'] : ''}`.trim();
}

/** A crawl of so many pages as a crawler tells it, in the shapes of AnyCrawl (AC-21). */
export function* crawl(jobId: string, pages: number, startedAt: number): Generator<Step> {
  const started_at = new Date(startedAt).toISOString();
  const job = { job_id: jobId, url: SITE };
  yield step('crawl.created', { ...job, status: 'pending' });
  yield step('crawl.started', { ...job, status: 'running' });
  for (let page = 1; page <= pages; page++) yield step('crawl.page', pageData(jobId, page));
  const finished_at = new Date(startedAt + pages * 10).toISOString();
  const totals = { total: pages, succeeded: pages, failed: 0 };
  yield step('crawl.completed', { ...job, status: 'completed', ...totals, started_at, finished_at }, true);
  yield step(
    'scrape.completed',
    {
      ...{ job_id: jobId, status: 'completed', url: `${SITE}/pricing` },
      ...{ total: 1, completed: 1, failed: 0, credits_used: 1, created_at: started_at, completed_at: finished_at },
    },
    true,
  );
  yield step(
    'scrape.failed',
    {
      ...{ job_id: jobId, status: 'failed', url: `${SITE}/slow`, error_message: 'Connection timeout' },
      ...{ credits_used: 1, created_at: started_at, completed_at: finished_at },
    },
    true,
  );
  yield step(
    'task.executed',
    {
      ...{ task_id: 'task-demo', task_name: 'Daily site crawl', execution_id: `exec-${jobId}`, execution_number: 1 },
      ...{ status: 'completed', job_id: jobId, credits_used: pages, scheduled_for: started_at },
      completed_at: finished_at,
    },
    true,
  );

  function step(type: string, data: Readonly<Record<string, unknown>>, last = false): Step {
    const taskId = typeof data['task_id'] === 'string' ? { taskId: data['task_id'] } : {};
    const fact = factOf(type, data);
    return { fact, last, event: { id: `${jobId}:${fact.replaceAll(' ', ':')}`, type, jobId, ...taskId, data } };
  }
}

function pageData(jobId: string, page: number): Readonly<Record<string, unknown>> {
  const topic = TOPICS[Math.floor(chanceOf('topic', page) * TOPICS.length)] ?? 'news';
  const words = 20 + Math.floor(chanceOf('words', page) * 60);
  return {
    job_id: jobId,
    page,
    url: `${SITE}/${topic}/${page}`,
    status: 200,
    title: `Page ${page} about ${topic}`,
    markdown: `# Page ${page}\n\n${Array.from({ length: words }, (_, n) => `${topic}${n}`).join(' ')}`,
    links: Array.from(
      { length: Math.floor(chanceOf('links', page) * 8) },
      (_, n) => `${SITE}/${topic}/${page + n + 1}`,
    ),
  };
}
