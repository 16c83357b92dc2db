/** What the demo customer has seen of one crawl. */
export class Receipts {
  readonly jobId: string;
  readonly #publishedAt = new Map<string, number>();
  /** From publishing to the first request, milliseconds. */
  readonly latencies: number[] = [];
  readonly #attempts = new Map<string, number>();
  readonly #accepted = new Set<string>();
  /** Requests for a delivery that the customer had accepted before. */
  duplicates = 0;
  /** Requests whose signature does not fit, of whatever crawl. */
  invalid = 0;
  published = 0;
  /** Deliveries that the customer refused for good. */
  refused = 0;
  /** Second and further requests for a delivery that had not been accepted. */
  retries = 0;

  constructor(jobId: string) {
    this.jobId = jobId;
  }

  get accepted(): number {
    return this.#accepted.size;
  }

  publishing(fact: string, at: number): void {
    this.#publishedAt.set(fact, at);
  }

  /** Takes note of a request; returns which one it is for its delivery, from 1. */
  arrived(deliveryId: string, fact: string, at: number): number {
    const attempt = (this.#attempts.get(deliveryId) ?? 0) + 1;
    this.#attempts.set(deliveryId, attempt);
    const publishedAt = this.#publishedAt.get(fact);
    if (attempt === 1 && publishedAt !== undefined) this.latencies.push(at - publishedAt);
    if (this.#accepted.has(deliveryId)) this.duplicates++;
    else if (attempt > 1) this.retries++;
    return attempt;
  }

  accept(deliveryId: string): void {
    this.#accepted.add(deliveryId);
  }
}

/** The value that `share` (0 to 1) of the numbers do not exceed; `null` when there are none. */
export function quantile(numbers: readonly number[], share: number): number | null {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null;
}
