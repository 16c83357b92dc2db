import { classifyNon2xx } from '../delivery/classify.ts';
import { ok } from '../result.ts';
import { newestSignature } from '../security/signature.ts';
import { firecrawlEnvelope } from './firecrawl-envelope.ts';
import type { Profile } from './profile.ts';

/** Firecrawl: an envelope per job event, signed with the tenant's account secret (FC-01 … FC-08). */
export const firecrawl: Profile = {
  name: 'firecrawl',
  eventTypes: [
    'crawl.started',
    'crawl.page',
    'crawl.completed',
    'crawl.failed',
    'crawl.cancelled',
    'batch_scrape.started',
    'batch_scrape.page',
    'batch_scrape.completed',
    'extract.started',
    'extract.completed',
    'extract.failed',
  ],
  defaults: { timeoutSeconds: 10, maxRetries: 3, retryDelaysSeconds: [60, 300, 900] },
  options: ['includeWebhookId'],
  httpsOnly: false,
  secrets: 'account',
  body: (context) => ok(firecrawlEnvelope(context)),
  bodyPerWebhook: true,
  signatureHeader: 'X-Firecrawl-Signature',
  headers: ({ body, secrets, signatureHeader }) => ({
    'Content-Type': 'application/json',
    [signatureHeader]: newestSignature(secrets, body),
  }),
  classify: classifyNon2xx,
  honoursRetryAfter: false,
  goneDisables: false,
  spreadsRetries: false,
};
