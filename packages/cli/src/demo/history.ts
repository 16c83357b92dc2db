import type { Rest } from '../rest.ts';

/** How the deliveries of one crawl stand, by the platform's own history. */
export interface Standing {
  readonly deliveries: number;
  readonly delivered: number;
  /** Of the delivered ones, those that needed more than one attempt. */
  readonly deliveredLate: number;
  readonly failed: number;
  readonly skipped: number;
  /** Not yet at an end. */
  readonly underWay: number;
}

interface Page {
  readonly data: readonly {
    readonly status: string;
    readonly job_id: string | null;
    readonly attempt_number: number;
  }[];
  readonly meta: { readonly next_cursor: string | null };
}

const NOTHING: Standing = { deliveries: 0, delivered: 0, deliveredLate: 0, failed: 0, skipped: 0, underWay: 0 };

/** Asks the REST API for all deliveries of the webhook since `from` (ISO 8601) and counts those of the job. */
export async function standingOf(rest: Rest, webhookId: string, jobId: string, from: string): Promise<Standing> {
  const counted = { ...NOTHING };
  let cursor: string | null = null;
  do {
    const query: string = new URLSearchParams({
      limit: '1000',
      from,
      ...(cursor === null ? {} : { cursor }),
    }).toString();
    const page: Page = await rest.call<Page>('GET', `/webhooks/${webhookId}/deliveries?${query}`);
    for (const { status, attempt_number } of page.data.filter((delivery) => delivery.job_id === jobId)) {
      counted.deliveries++;
      if (status === 'delivered') {
        counted.delivered++;
        if (attempt_number > 1) counted.deliveredLate++;
      } else if (status === 'failed') counted.failed++;
      else if (status === 'skipped') counted.skipped++;
      else counted.underWay++;
    }
    cursor = page.meta.next_cursor;
  } while (cursor !== null);
  return counted;
}
