import type { WebhookId } from '@grapnel/domain/ids';
import type { Change, Directory } from './directory.ts';

/** What a watcher is told: which aggregates to look at again, or how far the stream is applied. */
export type Feed =
  | { readonly kind: 'webhook'; readonly id: WebhookId }
  | { readonly kind: 'key'; readonly hash: string }
  /** Everything up to `position` has been told. */
  | { readonly kind: 'position'; readonly position: number };

/**
 * All that is there, then every change, until `signal` aborts. A watcher that reads slowly costs no memory: changes of one
 * aggregate run together, and it sees the newest state.
 */
export async function* changeFeed(
  directory: Directory,
  concerns: (change: Change) => boolean,
  signal: AbortSignal,
): AsyncIterable<Feed> {
  const webhooks = new Set<WebhookId>();
  const keys = new Set<string>();
  let wake: () => void = () => {};
  const stop = directory.listen((change) => {
    if (!concerns(change)) return;
    if (change.kind === 'webhook') webhooks.add(change.id);
    if (change.kind === 'key') keys.add(change.hash);
    // What belongs to the tenant is part of what its webhooks are told as.
    if (change.kind === 'record') {
      for (const id of directory.idsOf(change.tenant)) webhooks.add(id);
      for (const id of directory.jobWebhooksOf(change.tenant)) webhooks.add(id);
    }
    wake();
  });
  const onAbort = (): void => wake();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    for (const [id, { state }] of directory.all()) {
      if (state.kind === 'present' && concerns({ kind: 'webhook', id, tenant: state.webhook.tenant })) webhooks.add(id);
    }
    for (const { hash } of directory.keys()) if (concerns({ kind: 'key', hash })) keys.add(hash);
    let told = -1;
    while (!signal.aborted) {
      // Taken before the sets are emptied: what is told after it covers at least this position.
      const { position } = directory;
      for (const id of webhooks) {
        webhooks.delete(id);
        yield { kind: 'webhook', id };
      }
      for (const hash of keys) {
        keys.delete(hash);
        yield { kind: 'key', hash };
      }
      if (position !== told) {
        told = position;
        yield { kind: 'position', position };
      } else if (directory.position === told && webhooks.size === 0 && keys.size === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    stop();
    signal.removeEventListener('abort', onAbort);
  }
}
