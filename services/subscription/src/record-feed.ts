import type { TenantId } from '@grapnel/domain/ids';
import type { Directory } from './directory.ts';
import type { RecordKind } from './records.ts';

/** What a watcher of records is told: which to look at (again). */
export type RecordFeed =
  | { readonly kind: 'record'; readonly tenant: TenantId; readonly id: string }
  /** Everything that was there has been told. */
  | { readonly kind: 'complete'; readonly position: number };

/** All records of a kind, then every change until `signal` aborts; changes of one run together while the watcher is slow. */
export async function* recordFeed(
  directory: Directory,
  kind: RecordKind,
  signal: AbortSignal,
): AsyncIterable<RecordFeed> {
  const changed = new Map<string, TenantId>();
  let wake = (): void => {};
  const stop = directory.listen((change) => {
    if (change.kind !== 'record' || change.of !== kind) return;
    changed.set(change.id, change.tenant);
    wake();
  });
  const onAbort = (): void => wake();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    for (const { id, tenant } of directory.records(kind).all()) changed.set(id, tenant);
    const { position } = directory;
    let complete = false;
    while (!signal.aborted) {
      for (const [id, tenant] of changed) {
        changed.delete(id);
        yield { kind: 'record', tenant, id };
      }
      if (!complete) {
        complete = true;
        yield { kind: 'complete', position };
      } else if (changed.size === 0) {
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
