const byCall = (call: string, does: string): string => `is read-only: ${call} ${does}`;
const ROTATE = 'POST /v1/webhooks/{webhookId}/rotate-secret';
const SWITCHES = 'PUT /v1/webhooks/{webhookId}/activate and …/deactivate';

const newSecret = byCall(ROTATE, 'makes a new one');
const switched = byCall(SWITCHES, 'change it');
const derived = 'is read-only: it follows from what happens';

/** What a webhook's reads show and nobody can set, with the call that changes it. In no schema: no document offers them. */
const READ_ONLY: Readonly<Record<string, string>> = {
  secret: newSecret,
  webhook_secret: newSecret,
  previous_secrets_expire_at: byCall(ROTATE, 'changes it'),
  is_active: switched,
  disabled_reason: switched,
  disabled_detail: switched,
  disabled_at: switched,
  consecutive_failures: byCall('PUT /v1/webhooks/{webhookId}/activate', 'sets it to 0'),
  total_deliveries: derived,
  successful_deliveries: derived,
  failed_deliveries: derived,
  last_success_at: derived,
  last_failure_at: derived,
  created_at: derived,
  updated_at: derived,
  public_key: byCall(ROTATE, 'changes it'),
  job_id: 'is read-only: the producer that starts a job says which webhooks are for it alone',
  uuid: 'is read-only: the path names the webhook',
  webhook_id: 'is read-only: the path names the webhook',
};

const WEBHOOK_URL = /^\/v1\/webhooks(\/:webhookId)?$/;

/** For whoever sends back what a read showed. */
export function readOnlyHint(field: string, url: string): string | null {
  return WEBHOOK_URL.test(url) && Object.hasOwn(READ_ONLY, field) ? (READ_ONLY[field] ?? null) : null;
}
