import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { type DeliveryId, isDeliveryId, isWebhookId, type WebhookId } from '@grapnel/domain/ids';
import { type Violation, violation } from '@grapnel/domain/violation';
import { RpcError } from '@grapnel/rpc/errors';

/** The last millisecond a `Date` can show. */
const MAX_MS = 8.64e15;

/** Checks a request field by field and refuses it with all that is wrong. */
export class Checks {
  readonly #violations: Violation[] = [];

  add(found: Violation): void {
    this.#violations.push(found);
  }

  /** @throws RpcError when anything was wrong */
  done(): void {
    if (this.#violations.length > 0) throw RpcError.invalid(this.#violations);
  }

  /** Empty: `null`. */
  webhookId(value: string, field = 'webhook_id'): WebhookId | null {
    if (value === '') return null;
    if (isWebhookId(value)) return value;
    this.add(violation(field, 'INVALID_VALUE', 'is not a webhook id'));
    return null;
  }

  deliveryId(value: string): DeliveryId | null {
    if (isDeliveryId(value)) return value;
    const missing = value === '';
    this.add(
      violation(
        'delivery_id',
        missing ? 'REQUIRED' : 'INVALID_VALUE',
        missing ? 'is required' : 'is not a delivery id',
      ),
    );
    return null;
  }

  bounded(field: string, value: number, max: number): number {
    if (value > max) this.add(violation(field, 'TOO_LARGE', `may be at most ${max.toLocaleString('en')}`));
    return value;
  }

  period(from: Timestamp | undefined, to: Timestamp | undefined): { from: number | null; to: number | null } {
    const period = { from: this.#time('from', from), to: this.#time('to', to) };
    if (period.from !== null && period.to !== null && period.to < period.from) {
      this.add(violation('to', 'INVALID_VALUE', 'must not be before from'));
    }
    return period;
  }

  #time(field: string, value: Timestamp | undefined): number | null {
    if (value === undefined) return null;
    // Whole milliseconds are all there is: a bound between two of them means the later one.
    const ms = Number(value.seconds) * 1_000 + Math.ceil(value.nanos / 1e6);
    if (value.nanos >= 0 && value.nanos < 1e9 && Math.abs(ms) <= MAX_MS) return ms;
    this.add(violation(field, 'INVALID_VALUE', 'is not a valid time'));
    return null;
  }
}
