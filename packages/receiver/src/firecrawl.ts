import type { ExtractResult, OtherType, Page } from './event-data.ts';
import { headerOf } from './headers.ts';
import { verifyHexHmac } from './hex-hmac.ts';
import {
  type Json,
  type JsonObject,
  notReceived,
  parseObject,
  type Receiver,
  type ReceiverOptions,
} from './receive.ts';
import { secretsOf } from './secrets.ts';
import type { SignedDelivery, Verification } from './verification.ts';

/** `header` is `X-Firecrawl-Signature`. */
export type FirecrawlDelivery = SignedDelivery;

/**
 * Says whether a delivery came from whoever knows the account's secret, unchanged. The format says nothing of when a
 * request was sent, so there is no age to check.
 * @throws TypeError when no secret is given, or an empty one
 */
export function verifyFirecrawl(delivery: FirecrawlDelivery): Verification {
  return verifyHexHmac(delivery);
}

/** What `data` holds for each type: nothing, or one element. */
interface FirecrawlData {
  'crawl.started': readonly [];
  'crawl.page': readonly Page[];
  'crawl.completed': readonly [];
  'crawl.failed': readonly [];
  'crawl.cancelled': readonly [];
  'batch_scrape.started': readonly [];
  'batch_scrape.page': readonly Page[];
  'batch_scrape.completed': readonly [];
  'extract.started': readonly [];
  'extract.completed': readonly ExtractResult[];
  'extract.failed': readonly [];
  'webhook.test': readonly Json[];
}

/** `error` is there only when `success` is false. */
type Outcome =
  | { readonly success: true; readonly error?: undefined }
  | { readonly success: false; readonly error: string };

type FirecrawlEnvelope<T, D> = Outcome & {
  readonly type: T;
  /** The job's. */
  readonly id: string;
  /** The delivery's, the same on every attempt; only when the webhook asks for it. */
  readonly webhookId?: string;
  readonly data: D;
  /** As in the webhook's configuration. */
  readonly metadata: JsonObject;
};

/** `switch (event.type)` narrows `data`, and `event.success` says whether there is an `error`. */
export type FirecrawlEvent =
  | { readonly [T in keyof FirecrawlData]: FirecrawlEnvelope<T, FirecrawlData[T]> }[keyof FirecrawlData]
  | FirecrawlEnvelope<OtherType, readonly Json[]>;

/**
 * Receives deliveries in Firecrawl's format.
 * @throws TypeError when no secret is given, or an empty one
 */
export function firecrawlReceiver(options: ReceiverOptions): Receiver<FirecrawlEvent> {
  secretsOf(options);
  const { signatureHeader = 'X-Firecrawl-Signature' } = options;
  return {
    receive({ headers, body }) {
      const checked = verifyFirecrawl({ ...options, body, header: headerOf(headers, signatureHeader) });
      if (!checked.valid) return checked;
      const envelope = parseObject(body);
      if (
        typeof envelope?.['type'] !== 'string' ||
        typeof envelope['success'] !== 'boolean' ||
        !Array.isArray(envelope['data'])
      ) {
        return notReceived('unreadable');
      }
      return { valid: true, event: envelope as unknown as FirecrawlEvent };
    },
  };
}
