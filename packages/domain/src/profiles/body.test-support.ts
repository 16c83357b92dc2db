import type { Event } from '../event/event.ts';
import { DEFAULTS, type WebhookConfig } from '../webhook/config.ts';
import { parsedOnce } from './parsed-once.ts';
import type { BodyContext } from './profile.ts';

/** An event and a webhook's configuration as a body is made from them. */
export function bodyContext(
  data: unknown,
  event: Partial<Event> = {},
  config: Partial<WebhookConfig> = {},
  lookalike = false,
): BodyContext {
  const text = typeof data === 'string' ? data : JSON.stringify(data);
  const time = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
  return {
    event: {
      id: 'evt-1',
      tenant: 'acme',
      type: 'crawl.page',
      jobId: 'job-1',
      taskId: null,
      time,
      acceptedAt: time,
      ...event,
    },
    data: text,
    value: parsedOnce(text),
    webhookId: 'wh_00000000000000000000000001',
    config: { ...DEFAULTS, name: 'n', url: 'https://example.com', eventTypes: ['*'], ...config },
    lookalike: () => lookalike,
  };
}
