import { classifyNon2xx } from '../delivery/classify.ts';
import { newestSignature } from '../security/signature.ts';
import type { Profile } from './profile.ts';
import { templatedBody, templatedHeaders } from './templated-body.ts';

/** Thordata: the webhook says itself what its body and further headers look like (TH-01 … TH-10). */
export const template: Profile = {
  name: 'template',
  eventTypes: null,
  defaults: { timeoutSeconds: 30, maxRetries: 3, retryDelaysSeconds: null },
  options: ['payloadTemplate', 'headersTemplate', 'signed'],
  httpsOnly: false,
  secrets: 'hex',
  body: templatedBody,
  eventHeaders: templatedHeaders,
  bodyPerWebhook: true,
  signatureHeader: 'X-Webhook-Signature',
  headers: ({ delivery, body, secrets, now, signatureHeader }) => ({
    'Content-Type': 'application/json',
    Webhook: delivery.eventType,
    'Webhook-Dispatch-Id': delivery.id,
    'Request-Origin': 'grapnel',
    ...(secrets.length === 0
      ? {}
      : {
          [signatureHeader]: newestSignature(secrets, body),
          'X-Webhook-Timestamp': new Date(now).toISOString(),
        }),
  }),
  classify: classifyNon2xx,
  honoursRetryAfter: false,
  goneDisables: false,
  spreadsRetries: true,
};
