import { classifyNon2xx } from '../delivery/classify.ts';
import { ok } from '../result.ts';
import { standardSignature } from '../security/standard-webhooks.ts';
import { cloudEvent } from './cloud-event.ts';
import type { Profile } from './profile.ts';

const CLOUD_EVENTS = 'application/cloudevents+json; charset=utf-8';

/** Standard Webhooks 1.0, with CloudEvents as another body (ST-01 … ST-03, ST-08). */
export const standard: Profile = {
  name: 'standard',
  eventTypes: null,
  // The schedule that the specification proposes: a little over a day.
  defaults: { timeoutSeconds: 15, maxRetries: 7, retryDelaysSeconds: [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000] },
  options: ['bodyFormat', 'signatureScheme'],
  httpsOnly: false,
  secrets: 'standard',
  body(context) {
    const { event, data, config } = context;
    if (config.bodyFormat === 'cloudevents') return ok(cloudEvent(context));
    const timestamp = new Date(event.time).toISOString();
    return ok(`{"type":${JSON.stringify(event.type)},"timestamp":"${timestamp}","data":${data}}`);
  },
  bodyPerWebhook: true,
  signatureHeader: 'webhook-signature',
  headers({ delivery, body, secrets, now, signatureHeader }) {
    const timestamp = Math.floor(now / 1_000);
    return {
      'Content-Type': delivery.contentType === 'cloudevents' ? CLOUD_EVENTS : 'application/json',
      'webhook-id': delivery.id,
      'webhook-timestamp': String(timestamp),
      // Every secret in force signs: during a rotation either will do (ST-02).
      [signatureHeader]: secrets.map((secret) => standardSignature(secret, delivery.id, timestamp, body)).join(' '),
    };
  },
  // 410 says that nobody will be there any more (ST-03).
  classify: (result) => (result.kind === 'response' && result.status === 410 ? 'final' : classifyNon2xx(result)),
  honoursRetryAfter: true,
  goneDisables: true,
  spreadsRetries: true,
};
