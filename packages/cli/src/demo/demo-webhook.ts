import { type Rest, RestError } from '../rest.ts';
import type { DataDir } from '../up/data-dir.ts';
import { readJson, writePrivateJson } from '../up/private-file.ts';

/** The demo customer's webhook; its secret is known because it was kept when it was made. */
export interface DemoWebhook {
  readonly webhookId: string;
  readonly secret: string;
}

interface Shown {
  readonly data: { readonly is_active: boolean };
}

interface Created {
  readonly data: { readonly webhook_id: string; readonly secret: string };
}

const SETTINGS = {
  name: 'Demo customer',
  event_types: ['crawl.*', 'scrape.*', 'task.executed'],
  // Short, so that the customer's silences are over soon.
  timeout_seconds: 2,
  max_retries: 3,
};

/** Makes the webhook on the first run; later ones find it again, point it to where the customer is now and wake it. */
export async function ensureDemoWebhook(rest: Rest, dir: DataDir, url: string): Promise<DemoWebhook> {
  const kept = (await readJson(dir.demoFile)) as DemoWebhook | undefined;
  if (kept !== undefined && (await repointed(rest, kept.webhookId, url))) return kept;
  const { data } = await rest.call<Created>('POST', '/webhooks', { ...SETTINGS, webhook_url: url });
  const made = { webhookId: data.webhook_id, secret: data.secret };
  await writePrivateJson(dir.demoFile, made);
  return made;
}

/** False when somebody has deleted it. */
async function repointed(rest: Rest, id: string, url: string): Promise<boolean> {
  try {
    const { data } = await rest.call<Shown>('PUT', `/webhooks/${id}`, { webhook_url: url });
    if (!data.is_active) await rest.call('PUT', `/webhooks/${id}/activate`);
    return true;
  } catch (error) {
    if (error instanceof RestError && error.status === 404) return false;
    throw error;
  }
}
