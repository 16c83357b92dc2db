import { err, ok, type Result } from '../result.ts';
import type { WebhookConfig } from './config.ts';
import type { WebhookState } from './webhook.ts';

/** Why a webhook whose id follows from what is asked for cannot be had. */
export type JobClaim =
  /** It is there, with another configuration. */
  | { readonly kind: 'taken'; readonly differs: readonly string[] }
  /** It gets no more events. */
  | { readonly kind: 'ended'; readonly why: string };

/** What the producer of a job says of its webhook, as it calls the fields. */
const SAID: Readonly<Partial<Record<keyof WebhookConfig, string>>> = {
  eventTypes: 'events',
  customHeaders: 'headers',
  metadata: 'metadata',
  includeWebhookId: 'includeWebhookId',
};

/** Whether asking again for what is there already means just that (FC-06); `false`: there is nothing yet. */
export function asksAgain(state: WebhookState, wanted: WebhookConfig): Result<boolean, JobClaim> {
  if (state.kind === 'absent') return ok(false);
  if (state.kind === 'deleted') return err({ kind: 'ended', why: 'this webhook of the job was deleted' });
  const { config, status } = state.webhook;
  if (status.kind === 'inactive' && status.reason === 'retired')
    return err({ kind: 'ended', why: 'the job has ended' });
  const differs = Object.entries(SAID).flatMap(([field, name]) => {
    const key = field as keyof WebhookConfig;
    return canonical(said(config, key)) === canonical(said(wanted, key)) ? [] : [name];
  });
  return differs.length === 0 ? ok(true) : err({ kind: 'taken', differs });
}

/** Types are a set, however they are listed. */
const said = (config: WebhookConfig, key: keyof WebhookConfig): unknown =>
  key === 'eventTypes' ? config.eventTypes.toSorted() : config[key];

/** The same text for the same value, whatever the order of members. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? '';
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join()}}`;
}
