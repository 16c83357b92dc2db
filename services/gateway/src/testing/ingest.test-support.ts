import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { Event } from '@grapnel/contracts/gen/grapnel/event/v1/event_pb';
import { IngestService } from '@grapnel/contracts/gen/grapnel/ingest/v1/ingest_pb';
import { acceptEvent } from '@grapnel/domain/event/event';
import { tenantOf } from '@grapnel/rpc/auth';
import { RpcError } from '@grapnel/rpc/errors';
import { type CallContext, type Registration, register } from '@grapnel/rpc/server';

/** An ingest service that keeps what it accepts; the rules are the domain's. */
export class InMemoryIngest {
  readonly events: { readonly tenant: string; readonly event: Event; readonly data: string }[] = [];
  lastCall: CallContext | null = null;
  failure: RpcError | null = null;

  get registration(): Registration {
    return register(IngestService, 'tenant', {
      publish: async ({ event }, call) => this.#accept(event, call),
      publishBatch: async ({ events }, call) => ({
        results: events.map((event) => ({
          outcome: { case: 'accepted' as const, value: this.#accept(event, call) },
        })),
      }),
      async *publishStream() {},
      async *publishBatches() {},
    });
  }

  #accept(event: Event | undefined, call: CallContext): { eventId: string; duplicate: boolean } {
    this.lastCall = call;
    if (this.failure !== null) throw this.failure;
    if (event === undefined) throw RpcError.invalid([{ field: 'event', code: 'REQUIRED', message: 'is required' }]);
    const tenant = tenantOf(call.principal);
    const orNull = (text: string): string | null => (text === '' ? null : text);
    const accepted = acceptEvent(
      {
        id: orNull(event.id),
        type: event.type,
        jobId: orNull(event.jobId),
        taskId: orNull(event.taskId),
        time: event.time === undefined ? null : timestampMs(event.time),
        data: event.data,
      },
      { tenant, now: Date.UTC(2026, 0, 27), newId: () => `evt_${this.events.length + 1}` },
    );
    if (!accepted.ok) throw RpcError.invalid(accepted.error);
    const duplicate = event.id !== '' && this.events.some((one) => one.event.id === event.id && one.tenant === tenant);
    if (!duplicate) this.events.push({ tenant, event, data: Buffer.from(event.data).toString() });
    return { eventId: accepted.value.id, duplicate };
  }
}
