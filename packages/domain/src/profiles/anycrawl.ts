import { classifyStrict4xx } from '../delivery/classify.ts';
import { exponentialBackoffMs } from '../retry.ts';
import { hmacSha256Hex } from '../security/signature.ts';
import type { Profile } from './profile.ts';

/** AnyCrawl: the event's bare data, one signature over the body, exponential backoff in minutes (AC-14 … AC-17). */
export const anycrawl: Profile = {
  name: 'anycrawl',
  body: (_event, compactData) => compactData,
  headers: ({ delivery, body, secrets, now }) => ({
    'Content-Type': 'application/json',
    // The header holds one signature: the newest secret's (ST-02).
    'X-AnyCrawl-Signature': `sha256=${hmacSha256Hex(secrets[0] ?? '', body)}`,
    'X-Webhook-Event': delivery.eventType,
    'X-Webhook-Delivery-Id': delivery.id,
    'X-Webhook-Timestamp': new Date(now).toISOString(),
  }),
  classify: classifyStrict4xx,
  retryDelayMs: ({ maxRetries, backoffMultiplier }, n) =>
    n > maxRetries ? null : exponentialBackoffMs(backoffMultiplier, n),
};
