import { classifyNon2xx } from '../delivery/classify.ts';
import { ok } from '../result.ts';
import { newestSignature } from '../security/signature.ts';
import type { Profile } from './profile.ts';

/** 群組GM: `{"event","timestamp","data"}`, one signature, a fixed schedule (GG-01 … GG-06). */
export const groupgm: Profile = {
  name: 'groupgm',
  eventTypes: null,
  defaults: { timeoutSeconds: 30, maxRetries: 3, retryDelaysSeconds: [60, 300, 1_800] },
  options: [],
  httpsOnly: true,
  secrets: 'hex',
  body: ({ event, data, lookalike }) =>
    ok(`{"event":${JSON.stringify(event.type)},"timestamp":"${timestampOf(event.time, lookalike())}","data":${data}}`),
  bodyPerWebhook: false,
  signatureHeader: 'X-Webhook-Signature',
  headers: ({ delivery, body, secrets, signatureHeader }) => ({
    'Content-Type': 'application/json',
    [signatureHeader]: newestSignature(secrets, body),
    'X-Webhook-Delivery-Id': delivery.id,
  }),
  classify: classifyNon2xx,
  honoursRetryAfter: false,
  goneDisables: false,
  spreadsRetries: false,
};

/** Seconds, as the original sends them; milliseconds only where two events of one second would look alike. */
function timestampOf(time: number, lookalike: boolean): string {
  const iso = new Date(time).toISOString();
  return lookalike ? iso : iso.replace(/\.\d+Z$/, 'Z');
}
